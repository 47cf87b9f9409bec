import { YamlText } from './cloud-config/yaml-text.js';
import type { CloudConfigSchema } from './cloud-config/cloud-config-schema.js';
import type { Remarks } from './finding.js';
import { isReadAsMail, kindOf, kindOfText, type UserDataKind } from './kinds.js';
import { type MimePart, mimeParts } from './mime-reading.js';
import { partChecks } from './part-checks.js';
import { unpacked } from './unpacked.js';

/** Parts that hold parts: deeper than anybody means it. */
const depthLimit = 4;

/** Left to their content by cloud-init, whatever their header says. */
const toldByContent = new Set(['text/plain', 'text/x-not-multipart', 'text/x-shellscript']);
const compressed = /^application\/(x-)?(gzip|gzip-compressed|gzipped|compress|compressed|gunzip)$/;

const knownBeginnings =
  '#cloud-config, #!, #include, #include-once, #cloud-boothook, #part-handler, #cloud-config-archive, ## template: jinja, or MIME';

/** Looks at user data as cloud-init would, down to its last part. */
export class UserDataInspector {
  constructor(
    private readonly schema: CloudConfigSchema | null,
    private readonly depth = 0,
  ) {}

  /** What says by itself what it is. */
  async whole(bytes: Buffer, remarks: Remarks): Promise<void> {
    if (bytes.length === 0) {
      remarks.fault({ message: 'is empty' });
      return;
    }
    const plain = decompressed(bytes, remarks);
    if (plain === undefined) return;
    const kind = kindOf(plain);
    if (kind === 'multipart/mixed') await this.message(plain, remarks);
    else await this.ofKind(kind, plain, remarks);
    if (kind !== 'multipart/mixed' && isReadAsMail(plain) && plain.some((byte) => byte > 0x7f))
      remarks.warning({
        message:
          'has MIME-Version: near its beginning, so cloud-init reads it as a mail, and spoils characters outside ASCII',
      });
  }

  /** What a header says the kind of; null: it is of none. */
  async ofKind(kind: UserDataKind | null, bytes: Buffer, remarks: Remarks): Promise<void> {
    const text = textOf(bytes, remarks);
    if (text === undefined) return;
    if (kind === null) {
      remarks.fault({ line: 1, column: 1, message: unknownKind(text) });
      return;
    }
    if (kind === 'multipart/mixed') await this.message(bytes, remarks);
    else if (kind === 'text/cloud-config-archive') await this.archive(text, remarks);
    else partChecks[kind](text, remarks, this.schema);
  }

  private async message(bytes: Buffer, remarks: Remarks): Promise<void> {
    const { parts, faults } = await mimeParts(bytes);
    for (const message of faults) remarks.fault({ message: `is broken MIME: ${message}` });
    if (faults.length > 0) return;
    const handlers = parts.some(({ contentType }) => contentType === 'text/part-handler');
    for (const [index, part] of parts.entries()) {
      const name = part.fileName === null ? '' : ` (${part.fileName})`;
      await this.mimePart(part, handlers, remarks.within(`part ${index + 1}${name}`));
    }
  }

  private async mimePart(part: MimePart, handlers: boolean, remarks: Remarks): Promise<void> {
    const { contentType, content } = part;
    if (compressed.test(contentType)) await this.deeper(remarks)?.whole(content, remarks);
    else if (toldByContent.has(contentType))
      await this.ofKind(kindOf(content) ?? asTold(contentType), content, remarks);
    else if (isKind(contentType)) await this.ofKind(contentType, content, remarks);
    else if (handlers)
      remarks.warning({ message: `is ${contentType}: only a part handler of yours can know that` });
    else remarks.fault({ message: `is ${contentType}, which cloud-init has no use for` });
  }

  private async archive(text: string, remarks: Remarks): Promise<void> {
    const yaml = new YamlText(text);
    const faults = yaml.faults();
    for (const { message, ...place } of faults)
      remarks.fault({ ...place, message: `is no YAML: ${message}` });
    if (faults.length > 0) return;
    const entries = yaml.value();
    if (!Array.isArray(entries)) {
      remarks.fault({ ...yaml.placeOf([], 'value'), message: 'is no list: an archive is a list of parts' });
      return;
    }
    for (const [index, entry] of entries.entries())
      await this.entry(
        entry,
        remarks.within(`entry ${index + 1} at line ${yaml.placeOf([index], 'value').line}`),
      );
  }

  private async entry(entry: unknown, remarks: Remarks): Promise<void> {
    const { content, type } =
      typeof entry === 'string' ? { content: entry, type: undefined } : archived(entry);
    if (typeof content !== 'string') {
      remarks.fault({ message: 'has no content' });
      return;
    }
    const kind = type ?? kindOfText(content) ?? 'text/cloud-config';
    if (isKind(kind)) await this.deeper(remarks)?.ofKind(kind, Buffer.from(content), remarks);
    else remarks.fault({ message: `is ${kind}, which cloud-init has no use for` });
  }

  private deeper(remarks: Remarks): UserDataInspector | undefined {
    if (this.depth < depthLimit) return new UserDataInspector(this.schema, this.depth + 1);
    remarks.fault({ message: `holds parts within parts more than ${depthLimit} deep` });
    return undefined;
  }
}

/** A script that does not begin as one is told to be no script; any other text is of no kind. */
const asTold = (contentType: string) => (contentType === 'text/x-shellscript' ? contentType : null);

const isKind = (type: string): type is UserDataKind =>
  type in partChecks || type === 'text/cloud-config-archive';

function archived(entry: unknown): { content?: unknown; type?: string } {
  return typeof entry === 'object' && entry !== null ? entry : {};
}

function decompressed(bytes: Buffer, remarks: Remarks): Buffer | undefined {
  try {
    return unpacked(bytes);
  } catch (error) {
    remarks.fault({ message: (error as Error).message });
    return undefined;
  }
}

/** undefined: it is no text, and that has been said. */
function textOf(bytes: Buffer, remarks: Remarks): string | undefined {
  const text = bytes.toString('utf8');
  const wrong = Buffer.from(text).equals(bytes) ? text.indexOf('\0') : text.indexOf('\u{fffd}');
  if (wrong === -1) return text;
  const before = text.slice(0, wrong).split('\n');
  const place = { line: before.length, column: (before.at(-1) ?? '').length + 1 };
  const message =
    text[wrong] === '\0' ? 'has a NUL character, which no text may have' : 'is not text in UTF-8';
  remarks.fault({ ...place, message });
  return undefined;
}

function unknownKind(text: string): string {
  if (text.startsWith('\u{feff}'))
    return 'begins with a byte order mark, so cloud-init does not see what it is: save it without';
  if (/^content-type:\s*multipart\//i.test(text))
    return 'has no header MIME-Version: 1.0, by which cloud-init knows MIME';
  return `begins like nothing that cloud-init knows: ${knownBeginnings}`;
}
