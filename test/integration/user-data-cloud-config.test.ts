import { type Findings, findingInWords, CloudConfigSchema, checkUserData, sampleContext } from '#metadata';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import {
  type CloudConfigText,
  cloudConfigSchemaPath,
  cloudInitExamples,
  cloudInitVerdicts,
} from '../support/cloud-init-judge.js';
import { badCloudConfig, goodCloudConfig } from '../support/cloud-config-corpus.js';

let schema: CloudConfigSchema;
let examples: CloudConfigText[];
beforeAll(async () => {
  schema = await CloudConfigSchema.read(cloudConfigSchemaPath);
  examples = await cloudInitExamples();
});

const judge = async (text: string): Promise<Findings> =>
  checkUserData({ kind: 'own', base64: Buffer.from(text).toString('base64') }, schema, sampleContext());

/** The texts on which cloud-init and dodai disagree, with what each of them says. */
async function disagreements(texts: CloudConfigText[]): Promise<object[]> {
  const verdicts = await cloudInitVerdicts(texts.map(({ text }) => text));
  const compared = texts.map(async ({ name, text }, index) => {
    const { faults } = await judge(text);
    const theirs = verdicts[index];
    if (theirs?.valid === (faults.length === 0)) return [];
    return [{ name, text, cloudInit: theirs, dodai: faults.map(findingInWords) }];
  });
  return (await Promise.all(compared)).flat();
}

/** Each of the keys of a good text alone, with values of the wrong form, and with a key that does not belong there. */
function spoilt({ name, text }: CloudConfigText): CloudConfigText[] {
  const config = parse(text, { version: '1.1', uniqueKeys: false }) as Record<string, unknown> | null;
  return Object.entries(config ?? {}).flatMap(([key, value]) =>
    wrongValues(value).map((wrong, index) => ({
      name: `${name}, ${key} spoilt ${index}`,
      text: `#cloud-config\n${stringify({ [key]: wrong }, { version: '1.1' })}`,
    })),
  );
}

function wrongValues(value: unknown): unknown[] {
  const plain = [7, 'x', [], {}, true, null];
  if (Array.isArray(value)) return [...plain, [...value, 7], [...value, {}], [[]], [{ nothing: 1 }]];
  if (typeof value !== 'object' || value === null) return plain;
  const inner = Object.keys(value).flatMap((key) => [7, {}].map((wrong) => ({ ...value, [key]: wrong })));
  return [...plain, { ...value, nothing: 1 }, ...inner];
}

describe('the verdict on cloud-config is that of cloud-init', () => {
  it('on the examples of its modules and of its manual', async () => {
    expect(examples.length).toBeGreaterThan(100);
    expect(await disagreements(examples)).toEqual([]);
  });

  it('on each of them with one value spoilt', async () => {
    const verdicts = await cloudInitVerdicts(examples.map(({ text }) => text));
    const good = examples.filter((_, index) => verdicts[index]?.valid);
    const texts = [...new Map(good.flatMap(spoilt).map((each) => [each.text, each])).values()];
    expect(texts.length).toBeGreaterThan(500);
    expect(await disagreements(texts)).toEqual([]);
  }, 180_000);

  it('on texts that people write', async () => {
    const texts = [...goodCloudConfig, ...badCloudConfig.map(({ name, text }) => ({ name, text }))];
    expect(texts.length).toBeGreaterThanOrEqual(60);
    expect(await disagreements(texts)).toEqual([]);
  });
});

describe('of texts that people write', () => {
  it.each(goodCloudConfig)('$name is taken', async ({ text }) => {
    expect((await judge(text)).faults).toEqual([]);
  });

  it.each(badCloudConfig)('$name is refused, at its place', async ({ text, line, path, message }) => {
    const { faults } = await judge(text);
    expect(faults).toContainEqual(
      expect.objectContaining({
        line: line ?? expect.any(Number),
        path,
        message: expect.stringContaining(message),
      }),
    );
  });
});
