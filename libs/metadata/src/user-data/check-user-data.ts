import { DomainError, type UserData, type UserDataPart } from '#core';
import type { CloudConfigSchema } from './cloud-config/cloud-config-schema.js';
import { userDataLimitBytes } from './assembled.js';
import { filledParts, type UserDataContext } from './filled-parts.js';
import { type Findings, Remarks } from './finding.js';
import { mergeTypeFault } from './merge-type.js';
import { UserDataInspector } from './user-data-inspector.js';

/**
 * Says what is wrong with user data before any machine is switched on. Parts with values to fill in are looked at as they come out
 * with the values of the context, which may be those of an example.
 */
export async function checkUserData(
  userData: UserData,
  schema: CloudConfigSchema | null,
  context: UserDataContext,
): Promise<Findings> {
  if (userData.kind === 'parts') return checkUserDataParts(userData.parts, schema, context);
  const findings: Findings = { faults: [], warnings: [] };
  const bytes = Buffer.from(userData.base64, 'base64');
  const remarks = new Remarks(null, findings);
  await new UserDataInspector(schema).whole(bytes, remarks);
  if (bytes.length > userDataLimitBytes)
    remarks.fault({
      message: `has ${bytes.length} bytes; at most ${userDataLimitBytes} are taken: let it fetch the rest`,
    });
  return findings;
}

/** Of user data or of vendor data. */
export async function checkUserDataParts(
  parts: UserDataPart[],
  schema: CloudConfigSchema | null,
  context: UserDataContext,
): Promise<Findings> {
  const findings: Findings = { faults: [], warnings: [] };
  const inspector = new UserDataInspector(schema);
  for (const [index, part] of parts.entries()) {
    const remarks = new Remarks(`part ${index + 1} (${part.fileName})`, findings);
    checkHeaders(part, parts.slice(0, index), remarks);
    const filled = filledIn(part, context, remarks);
    if (filled !== undefined) await inspector.ofKind(part.type, Buffer.from(filled.content), remarks);
  }
  return findings;
}

function checkHeaders(part: UserDataPart, before: UserDataPart[], remarks: Remarks): void {
  const { fileName, mergeType } = part;
  if (!/^[^/\p{Cc}]{1,200}$/u.test(fileName) || fileName.startsWith('.'))
    remarks.fault({
      message: 'has a file name that is none: no slash, no control characters, no dot in front',
    });
  if (before.some((other) => other.fileName === fileName))
    remarks.fault({ message: 'has the file name of an earlier part, which it would replace' });
  const fault = mergeType === undefined ? null : mergeTypeFault(mergeType);
  if (fault !== null) remarks.fault({ message: fault });
  if (part.content.trim() === '') remarks.fault({ message: 'is empty' });
}

function filledIn(part: UserDataPart, context: UserDataContext, remarks: Remarks): UserDataPart | undefined {
  try {
    return filledParts([part], context)[0];
  } catch (error) {
    const { line, column, message } = (error as DomainError).context as {
      line: number;
      column: number;
      message: string;
    };
    remarks.fault({ line, column, message });
    return undefined;
  }
}
