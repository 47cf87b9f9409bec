import { join } from 'node:path';
import { execa } from 'execa';
import { projectRoot } from '#platform';

/** Where tools/unpack-cloud-init.sh puts cloud-init's Python packages. */
const cloudInitPackages = join(projectRoot, 'dist/cloud-init/usr/lib/python3/dist-packages');
export const cloudConfigSchemaPath = join(
  cloudInitPackages,
  'cloudinit/config/schemas/schema-cloud-config-v1.json',
);

const program = join(projectRoot, 'test/support/cloud-init-judge.py');

async function ask(request: object): Promise<unknown> {
  const { stdout } = await execa('/usr/bin/python3', [program], {
    input: JSON.stringify(request),
    env: { PYTHONPATH: cloudInitPackages, PYTHONDONTWRITEBYTECODE: '1' },
  });
  return JSON.parse(stdout);
}

export interface CloudConfigText {
  name: string;
  text: string;
}

export interface Verdict {
  valid: boolean;
  said: string;
}

/** A part as cloud-init hands it to the handler of its type. */
export interface HandledPart {
  type: string;
  fileName: string;
  mergeType: string | null;
  content: string;
}

/** The examples that cloud-init brings: of every module, and of its manual. */
export async function cloudInitExamples(): Promise<CloudConfigText[]> {
  return (await ask({ ask: 'examples' })) as CloudConfigText[];
}

/** As `cloud-init schema --config-file` judges each of the texts. */
export async function cloudInitVerdicts(texts: string[]): Promise<Verdict[]> {
  return (await ask({ ask: 'verdicts', texts })) as Verdict[];
}

/** What cloud-init's user data processor makes of each blob. */
export async function cloudInitParts(blobs: Buffer[]): Promise<HandledPart[][]> {
  const told = (await ask({ ask: 'parts', blobs: blobs.map((blob) => blob.toString('base64')) })) as (Omit<
    HandledPart,
    'content'
  > & { base64: string })[][];
  return told.map((parts) =>
    parts.map(({ base64, ...part }) => ({ ...part, content: Buffer.from(base64, 'base64').toString() })),
  );
}
