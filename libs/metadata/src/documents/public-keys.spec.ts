import { describe, expect, it } from 'vitest';
import { publicKeys } from './public-keys.js';

const namesOf = (...keys: string[]) => publicKeys(keys).map(({ name }) => name);

describe('names of public keys', () => {
  it('are the comments, without what a listing would take for its own marks', () => {
    expect(namesOf('ssh-ed25519 AAAA= ann@home', 'ssh-rsa BBBB work / key=1/')).toEqual([
      'ann@home',
      'work-key-1',
    ]);
  });

  it('are numbers where there is no comment', () => {
    expect(namesOf('ssh-ed25519 AAAA', 'ecdsa-sha2-nistp256 BBBB==', 'ssh-ed25519 CCCC ///')).toEqual([
      'key-0',
      'key-1',
      'key-2',
    ]);
  });

  it('differ, since readers keep keys by their names', () => {
    expect(namesOf('ssh-rsa A me', 'ssh-rsa B me', 'ssh-rsa C me-2', 'ssh-rsa D me')).toEqual([
      'me',
      'me-2',
      'me-2-2',
      'me-3',
    ]);
  });

  it('are found behind the options of a key', () => {
    expect(namesOf('from="10.0.0.0/8",command="ls -l" sk-ssh-ed25519@openssh.com AAAA token')).toEqual([
      'token',
    ]);
  });
});
