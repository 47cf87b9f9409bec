import { Prisma } from './generated/client.js';

/**
 * The columns of the unique constraint that an insert or update hit; undefined when the error is another one.
 * The PostgreSQL adapter reports them inside `meta.driverAdapterError`, or only the index, which is called after them.
 */
export function violatedColumns(error: unknown): string[] | undefined {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== 'P2002') return undefined;
  const text = JSON.stringify(error.meta ?? {});
  const index = /"index":"[a-z]+_(\w+)_key"/.exec(text)?.[1];
  if (index !== undefined) return index.split('_bmc_'); // of the columns bmc_host and bmc_port
  const fields = /"fields":\s*\[([^\]]*)\]/.exec(text)?.[1] ?? '';
  return fields.split(',').map((field) => field.replace(/[\s"\\]/g, ''));
}

/** Whether a row is still referred to by another, or refers to one that does not exist. */
export function isForeignKeyViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2003';
}
