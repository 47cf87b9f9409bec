import { parse } from 'yaml';
import { z } from 'zod';
import type { ImageContents } from '../reading/image-contents.js';

const cloudConfig = z.object({
  system_info: z.object({ default_user: z.object({ name: z.string() }) }),
});
const userName = /^[a-z_][a-z0-9_-]{0,31}$/;

/** Who logs in: the user that cloud-init makes, or else the first ordinary account; null: there is neither. */
export async function defaultUserOf(contents: ImageContents): Promise<string | null> {
  return (await fromCloudInit(contents)) ?? (await firstAccount(contents));
}

/** cloud-init reads the files of cloud.cfg.d after its main one. */
async function fromCloudInit(contents: ImageContents): Promise<string | null> {
  const main = await contents.text('/etc/cloud/cloud.cfg');
  if (main === undefined) return null;
  const more = await contents.matching('/etc/cloud/cloud.cfg.d', /\.cfg$/);
  const names = [main, ...more.map(({ text }) => text)].map(userIn).filter((name) => name !== null);
  return names.at(-1) ?? null;
}

function userIn(text: string): string | null {
  const { data } = cloudConfig.safeParse(yaml(text));
  const name = data?.system_info.default_user.name ?? '';
  return userName.test(name) ? name : null;
}

function yaml(text: string): unknown {
  try {
    return parse(text, { logLevel: 'silent' });
  } catch {
    return null; // it is no YAML, and says nothing to cloud-init either
  }
}

const ordinary = { first: 1000, last: 59_999 };

async function firstAccount(contents: ImageContents): Promise<string | null> {
  const lines = ((await contents.text('/etc/passwd')) ?? '').split('\n').map((line) => line.split(':'));
  const accounts = lines
    .map(([name = '', , uid = '']) => ({ name, uid: Number(uid) }))
    .filter(({ name, uid }) => userName.test(name) && uid >= ordinary.first && uid <= ordinary.last);
  return accounts.sort((one, other) => one.uid - other.uid)[0]?.name ?? null;
}
