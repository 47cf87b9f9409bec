import { DomainError } from '#core';
import type { Config } from '#platform';
import { renderText } from '#templates';
import { metadataUrlOf } from '../configuring/owner-context.js';
import { addressesOf } from './completion.js';
import type { Installation } from './install-method.js';

const valueNames = [
  'hostName',
  'instanceId',
  'machineName',
  'imageName',
  'imageUrl',
  'bmcHost',
  'bmcPort',
  'pxeMac',
  'pxeIp',
  'addresses',
  'cluster',
  'vlanId',
  'controllerUrl',
  'metadataUrl',
  'notifyUrl',
  'notifyScriptUrl',
] as const;
type InstructionValues = Record<(typeof valueNames)[number], string>;

type Settings = Pick<Config, 'publicUrl' | 'metadata'>;

/** What instructions can name. The instance's token is in the script alone, which is served while it is due; a timeline is kept. */
export function instructionValues(
  { machine, instance, image }: Installation,
  settings: Settings,
): InstructionValues {
  const { publicUrl } = settings;
  return {
    hostName: instance.hostName,
    instanceId: instance.id,
    machineName: machine.name,
    imageName: image.name,
    imageUrl: `${publicUrl}/boot/images/${image.id}`,
    bmcHost: machine.bmcHost,
    bmcPort: String(machine.bmcPort),
    pxeMac: machine.pxeMac,
    pxeIp: machine.pxeIp ?? '',
    addresses: addressesOf(machine, instance.configuration).join(', '),
    cluster: instance.cluster ?? '',
    vlanId: String(instance.vlanId ?? ''),
    controllerUrl: publicUrl,
    metadataUrl: metadataUrlOf(settings) ?? '',
    notifyUrl: `${publicUrl}/v1/instances/${instance.id}/notify`,
    notifyScriptUrl: `${publicUrl}/boot/instances/${instance.id}/notify.sh`,
  };
}

/** Throws DomainError `image-unsuitable` for instructions that name what there is not; told when the image is changed. */
export function checkInstructions(template: string): void {
  filledInstructions(template, Object.fromEntries(valueNames.map((name) => [name, name])));
}

/** Throws the same. */
export function filledInstructions(template: string, values: object): string {
  try {
    return renderText(template, values);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const { line, column } = error.context as { line: number | null; column: number | null };
    const where = line === null ? '' : ` (line ${line}, column ${column})`;
    throw new DomainError(
      'image-unsuitable',
      `The instructions of the image cannot be filled in: ${error.message}${where}.`,
      { remedy: error.remedy, context: { field: 'install.instructions' }, cause: error },
    );
  }
}
