import type { DocumentList } from '#contract';
import type { Palette } from './palette.js';
import { bytes as sizeText } from './quantities.js';
import { columns } from './table.js';

type Document = DocumentList['documents'][number];

export function documentsTable({ documents }: DocumentList, palette: Palette): string {
  return columns(
    ['DOCUMENT', 'SIZE', 'TYPE'].map((heading) => palette.paint('strong', heading)),
    documents.map(({ path, bytes, mediaType }) => [path, sizeText(bytes), mediaType]),
  );
}

export function documentsText({ documents }: DocumentList, palette: Palette): string {
  return documents
    .map((document) => `${palette.paint('strong', `=== ${document.path}`)}\n${documentText(document)}`)
    .join('\n');
}

/** JSON is made readable; what is no text stays in base64. */
export function documentText({ mediaType, content, base64 }: Document): string {
  if (content === null) return `${base64 ?? ''}\n`;
  const text = mediaType === 'application/json' ? JSON.stringify(JSON.parse(content), null, 2) : content;
  return text.endsWith('\n') ? text : `${text}\n`;
}
