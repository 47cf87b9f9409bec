import { parse } from 'shell-quote';
import type { Ear } from './words.js';

/** What a machine reads out of create.sh or delete.sh. */
export interface Script {
  kind: 'create.sh' | 'delete.sh';
  instanceId: string;
  ear: Ear;
  /** Empty in delete.sh, as are those below. */
  imageId: string;
  imageUrl: string;
  hostName: string;
  sshKeys: readonly string[];
}

const wordOf = (text: string) => {
  const [word = ''] = parse(text);
  return typeof word === 'string' ? word : '';
};

/** Throws when it lacks what every script has. */
export function readScript(text: string): Script {
  const value = (name: string) => wordOf(new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '');
  const instanceId = value('INSTANCE_ID');
  const controllerUrl = value('CONTROLLER_URL');
  const token = value('TOKEN');
  if (!instanceId || !controllerUrl || !token) throw new Error(`this is no script: ${text.slice(0, 200)}`);
  const [, keys = ''] = /^SSH_KEYS=\(\n([^)]*?)^\)$/ms.exec(text) ?? [];
  return {
    kind: /^IMAGE_URL=/m.test(text) ? 'create.sh' : 'delete.sh',
    instanceId,
    ear: { instanceUrl: `${controllerUrl}/v1/instances/${instanceId}`, token },
    imageId: value('IMAGE_ID'),
    imageUrl: value('IMAGE_URL'),
    hostName: value('HOST_NAME'),
    sshKeys: keys
      .split('\n')
      .map((line) => wordOf(line.trim()))
      .filter((key) => key !== ''),
  };
}
