import { type AnswerFile, type AnswerFormat, DomainError, maxAnswerFileBytes } from '#core';
import type { ImageDownloads } from '#images';
import { renderText, type TemplateContext, type TemplateRenderer, type TextFault } from '#templates';
import { fetchBounded } from '../bounded-fetch.js';
import type { AnswerChecks } from './answer-checks.js';
import type { AnswerValues } from './answer-values.js';

interface Host {
  renderer: TemplateRenderer;
  downloads: ImageDownloads;
  checks: AnswerChecks;
}

const field = 'install.answerFile';

const templates = {
  preseed: 'netinstall/preseed.cfg',
  autoinstall: 'netinstall/autoinstall.yaml',
  kickstart: 'netinstall/kickstart.cfg',
  autoyast: 'netinstall/autoyast.xml',
} as const satisfies Record<AnswerFormat, string>;

/** Answer files with the values of an installation in them: those of /templates, and those that owners wrote. */
export class AnswerFiles {
  constructor(private readonly host: Host) {}

  /**
   * Filled in, and looked at. Throws DomainError `answer-file-invalid` or `user-data-invalid`, `image-url-refused` or
   * `image-download-failed`.
   */
  async render(file: AnswerFile, values: AnswerValues): Promise<string> {
    const { checks, renderer } = this.host;
    const own = 'url' in file ? await this.fetched(file.url) : file.text;
    const text =
      own === null ? await renderer.render(templates[file.format], ours(values)) : filled(own, values);
    await checks.check(file.format, text);
    return text;
  }

  /** A text of the owner's, not looked at yet; null for ours. Throws DomainError `answer-file-invalid`. */
  fill({ text }: Extract<AnswerFile, { text: string | null }>, values: AnswerValues): string | null {
    return text === null ? null : filled(text, values);
  }

  private async fetched(url: string): Promise<string> {
    const bytes = await fetchBounded(this.host.downloads, url, { limitBytes: maxAnswerFileBytes, tooLong });
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (cause) {
      throw invalid('What is at the URL of the answer file is no text in UTF-8.', cause);
    }
  }
}

function ours({
  instanceId,
  hostName,
  pxeMac,
  kernelArguments,
  treeUrl,
  dodai,
}: AnswerValues): TemplateContext<'netinstall/preseed.cfg'> {
  return { instanceId, hostName, pxeMac, kernelArguments, treeUrl, dodai };
}

function filled(text: string, values: AnswerValues): string {
  try {
    return renderText(text, values);
  } catch (cause) {
    const { line, column, message } = (cause as DomainError).context as unknown as TextFault;
    const place = line === null ? '' : `line ${line}, column ${column}: `;
    throw invalid(`The answer file cannot be filled in: ${place}${message}`, cause);
  }
}

function invalid(message: string, cause: unknown): DomainError {
  const remedy = cause instanceof DomainError ? cause.remedy : 'Save it as UTF-8.';
  return new DomainError('answer-file-invalid', message, {
    remedy,
    context: { field },
    cause,
  });
}

function tooLong(): DomainError {
  return new DomainError(
    'answer-file-invalid',
    `What is at the URL of the answer file is longer than ${maxAnswerFileBytes / 1024} KiB.`,
    {
      remedy: 'Give a shorter one: installers read it into memory.',
      context: { field },
    },
  );
}
