import { join } from 'node:path';
import { projectRoot } from '#platform';
import { execa } from 'execa';

const packages = join(projectRoot, 'dist/cloud-init/usr/lib/python3/dist-packages');
const support = join(projectRoot, 'test/support');
export const novaNetworkSchema = join(support, 'nova-network-data.schema.json');

/** The cards of the machine: MAC address → what its kernel calls it. */
export type Cards = Record<string, string>;

/** What cloud-init is asked to read; the forms are told at the top of the program. */
export type Question = { macs?: Cards } & (
  | { source: 'config-drive' | 'nocloud'; folder: string }
  | { source: 'openstack' | 'nocloud-net'; url: string }
  | { source: 'ec2'; url: string; version: string }
  | { source: 'network'; config: unknown }
  | { source: 'command-line'; words: string }
  | { source: 'schema'; schema: string; document: unknown }
);

type Renderer = 'eni' | 'netplan' | 'networkd' | 'networkManager' | 'sysconfig';

/** What cloud-init understood. Data and files are in base64; what the source does not have is not there. */
export interface Understood {
  instanceId: string;
  hostName: string;
  keys: string[];
  userData: string;
  vendorData: string;
  files: Record<string, string>;
  metadata: Record<string, unknown>;
  randomSeed: string;
  ec2: Record<string, unknown>;
  networkData: unknown;
  /** The network as cloud-init would write it: for each renderer, path → text. */
  network: ({ config: unknown } & Record<Renderer, Record<string, string>>) | null;
  faults: string[];
  warnings: string[];
}

/** Debian's own cloud-init as the judge, unpacked by tools/unpack-cloud-init.sh. Throws what it stumbled over. */
export async function askCloudInit(question: Question): Promise<Understood> {
  await execa('bash', [join(projectRoot, 'tools/unpack-cloud-init.sh')]);
  const { stdout } = await execa('/usr/bin/python3', [join(support, 'cloud-init-reader.py')], {
    input: JSON.stringify({ macs: {}, ...question }),
    env: { PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1' },
  });
  const answer = JSON.parse(stdout) as Understood & { error?: string };
  if (answer.error !== undefined) throw new Error(`cloud-init: ${answer.error}`);
  return answer;
}
