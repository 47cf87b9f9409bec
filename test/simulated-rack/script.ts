import { parse } from 'shell-quote';
import type { Ear } from './words.js';

/** What a machine reads out of a script that it was given. */
export interface Script {
  /** Those with neither an image nor a disk to wipe are like hand-over.sh: finish.sh, and what settles an OS in memory. */
  kind: 'create.sh' | 'hand-over.sh' | 'delete.sh';
  instanceId: string;
  ear: Ear;
  /** Empty but in create.sh and finish.sh. */
  imageId: string;
  /** Empty but in create.sh. */
  imageUrl: string;
  imageChunksUrl: string;
  imageChunksSha256: string;
  /** Whom the OS is for; empty in delete.sh. */
  hostName: string;
  sshKeys: readonly string[];
  userData: string;
  pooled: boolean;
}

const wordOf = (text: string) => {
  const [word = ''] = parse(text);
  return typeof word === 'string' ? word : '';
};

/** A word that may go on over many lines, as bash reads it: pieces in single quotes, in double quotes, and plain ones. */
function longWordOf(text: string): string {
  const [word = ''] = /^('[^']*'|"(\\[^]|[^"\\])*"|\\[^]|[^\s'"\\])*/.exec(text) ?? [];
  return word.replace(
    /'([^']*)'|"((?:\\[^]|[^"\\])*)"|\\([^])/g,
    (_, single?: string, double?: string, plain?: string) => {
      if (double !== undefined) return double.replace(/\\([$`"\\])/g, '$1');
      return single ?? plain ?? '';
    },
  );
}

/** What a line of a script sets a variable to; empty when none does. */
export function valueIn(text: string, name: string): string {
  return wordOf(new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '');
}

function kindOf(text: string): Script['kind'] {
  if (/^IMAGE_URL=/m.test(text)) return 'create.sh';
  return /^WIPE_MODE=/m.test(text) ? 'delete.sh' : 'hand-over.sh';
}

/** Throws when it lacks what every script has. */
export function readScript(text: string): Script {
  const value = (name: string) => valueIn(text, name);
  const instanceId = value('INSTANCE_ID');
  const controllerUrl = value('CONTROLLER_URL');
  const token = value('TOKEN');
  if (!instanceId || !controllerUrl || !token) throw new Error(`this is no script: ${text.slice(0, 200)}`);
  const [, userData = ''] = /^USER_DATA=([^]*)$/m.exec(text) ?? [];
  const [, keys = ''] = /^SSH_KEYS=\(\n([^)]*?)^\)$/ms.exec(text) ?? [];
  return {
    kind: kindOf(text),
    instanceId,
    ear: { instanceUrl: `${controllerUrl}/v1/instances/${instanceId}`, token },
    imageId: value('IMAGE_ID'),
    imageUrl: value('IMAGE_URL'),
    imageChunksUrl: value('IMAGE_CHUNKS_URL'),
    imageChunksSha256: value('IMAGE_CHUNKS_SHA256'),
    hostName: value('HOST_NAME'),
    sshKeys: keys
      .split('\n')
      .map((line) => wordOf(line.trim()))
      .filter((key) => key !== ''),
    userData: longWordOf(userData),
    pooled: value('POOLED') === 'true',
  };
}
