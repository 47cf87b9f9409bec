import { Prisma } from './generated/client.js';

const fields = Object.values(Prisma.MachineScalarFieldEnum);

/** What a field of the model is called in its table. */
export function columnOf(field: (typeof fields)[number]): string {
  if (field === 'instanceTypeName') return 'instance_type';
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** All columns of `machines`, called as the model calls them: what is selected so is a row of the model. */
export const machineColumns = Prisma.raw(
  fields.map((field) => `${columnOf(field)} AS "${field}"`).join(', '),
);
