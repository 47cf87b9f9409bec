import { DomainError, type UserData, type UserDataPart } from '#core';
import type { CloudConfigSchema } from './cloud-config/cloud-config-schema.js';
import { sentParts, userDataLimitBytes } from './assembled.js';
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
  if (userData.kind === 'parts') return checkTogether(userData.parts, schema, context);
  const findings: Findings = { faults: [], warnings: [] };
  const bytes = Buffer.from(userData.base64, 'base64');
  const remarks = new Remarks(null, findings);
  await new UserDataInspector(schema).whole(bytes, remarks);
  checkSize(bytes, remarks);
  return findings;
}

/** Each part, and how large they are when they are sent. */
async function checkTogether(
  parts: UserDataPart[],
  schema: CloudConfigSchema | null,
  context: UserDataContext,
): Promise<Findings> {
  const findings = await checkUserDataParts(parts, schema, context);
  const canBeFilled = findings.faults.every(({ about }) => about === 'schema');
  if (canBeFilled) checkSize(await sentParts(filledParts(parts, context)), new Remarks(null, findings));
  return findings;
}

function checkSize({ length }: Buffer, remarks: Remarks): void {
  if (length <= userDataLimitBytes) return;
  const message = `has ${length} bytes as it is sent; at most ${userDataLimitBytes} are taken: let it fetch the rest`;
  remarks.fault({ message });
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
    checkHeaders(part, remarks);
    const filled = filledIn(part, context, remarks);
    if (filled !== undefined) await inspector.ofKind(part.type, Buffer.from(filled.content), remarks);
  }
  return findings;
}

function checkHeaders(part: UserDataPart, remarks: Remarks): void {
  const { fileName, mergeType } = part;
  if (!/^[^/\p{Cc}]{1,200}$/u.test(fileName) || fileName.startsWith('.'))
    remarks.fault({
      message: 'has a file name that is none: no slash, no control characters, no dot in front',
    });
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
