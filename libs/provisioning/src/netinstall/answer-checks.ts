import { type AnswerFormat, DomainError } from '#core';
import type { UserDataChecks } from '#metadata';
import type { ProcessRunner } from '#platform';
import { parse } from 'yaml';
import { z } from 'zod';
import { kickstartFaults } from './kickstart-sections.js';

/** A line of null: it is of the whole. */
interface AnswerFault {
  line: number | null;
  message: string;
}

const timeoutMs = 20_000;
const toldFaults = 10;

const commands = z.array(z.string().or(z.array(z.string()))).optional();

/** What the reference of autoinstall says of what we rely on. */
const autoinstall = z.looseObject({
  version: z.literal(1, 'must be 1'),
  'early-commands': commands,
  'late-commands': commands,
  'error-commands': commands,
  shutdown: z.enum(['reboot', 'poweroff'], 'must be reboot or poweroff').optional(),
});

/** Looks at answer files with what there is for each format; what no tool checks, the installer itself has to. */
export class AnswerChecks {
  private readonly faultsOf: Record<AnswerFormat, (text: string) => AnswerFault[] | Promise<AnswerFault[]>> =
    {
      preseed: (text) => this.preseed(text),
      autoinstall: (text) => this.autoinstall(text),
      kickstart: kickstartFaults,
      autoyast: (text) => this.autoyast(text),
    };

  constructor(
    private readonly runner: ProcessRunner,
    private readonly cloudConfig: UserDataChecks,
  ) {}

  /** Throws DomainError `answer-file-invalid` with the lines and what is wrong with them; or `user-data-invalid`, for Ubuntu's. */
  async check(format: AnswerFormat, text: string): Promise<void> {
    const faults = await this.faultsOf[format](text);
    if (faults.length === 0) return;
    const told = faults.slice(0, toldFaults).map(inWords);
    const more = faults.length > toldFaults ? [`and ${faults.length - toldFaults} more`] : [];
    throw new DomainError(
      'answer-file-invalid',
      `The answer file is no ${format}: ${[...told, ...more].join('; ')}`,
      {
        remedy:
          'Mend these lines; they are counted once the values are filled in (dodai render shows it so).',
        context: { field: 'install.answerFile', format, faults },
      },
    );
  }

  /** By debconf's own reader, which with this option changes nothing. */
  private async preseed(text: string): Promise<AnswerFault[]> {
    const { stderr } = await this.runner.run('debconf-set-selections', ['--checkonly'], {
      input: text,
      timeoutMs,
    });
    return linesMatching(stderr, /^(?:error|warning): (?<message>.*?(?:on )?line (?<line>\d+).*)$/);
  }

  private async autoyast(text: string): Promise<AnswerFault[]> {
    const { exitCode, stderr } = await this.runner.run('xmllint', ['--noout', '--nonet', '-'], {
      input: text,
      timeoutMs,
    });
    if (exitCode === 0) return [];
    const faults = linesMatching(stderr, /^-:(?<line>\d+): (?<message>.*)$/);
    return faults.length > 0 ? faults : [{ line: null, message: `is no XML: ${stderr.slice(0, 300)}` }];
  }

  /** It is cloud-config, with the installer's own map in it. */
  private async autoinstall(text: string): Promise<AnswerFault[]> {
    await this.cloudConfig.userData(
      { kind: 'own', base64: Buffer.from(text).toString('base64') },
      'install.answerFile',
    );
    const whole = z.looseObject({ autoinstall }).safeParse(parse(text, { version: '1.1' }));
    return (whole.error?.issues ?? []).map(({ path, message }) => ({
      line: null,
      message: `${path.join('.')}: ${message}`,
    }));
  }
}

function linesMatching(output: string, pattern: RegExp): AnswerFault[] {
  return output.split('\n').flatMap((each) => {
    const { line, message } = pattern.exec(each)?.groups ?? {};
    return message === undefined ? [] : [{ line: Number(line), message }];
  });
}

function inWords({ line, message }: AnswerFault): string {
  return line === null ? message : `line ${line}: ${message}`;
}
