import { z } from 'zod';

/** What sshd of today takes in authorized_keys: sshd(8), "AUTHORIZED_KEYS FILE FORMAT". */
const keyTypes = [
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
  'ssh-dss',
];

/** RFC 4253, 6.6: a key begins with its type, as a string whose length comes first. */
function typeInside(base64: string): string | undefined {
  try {
    const bytes = atob(base64);
    const length = [0, 1, 2, 3].reduce((sum, place) => sum * 256 + bytes.charCodeAt(place), 0);
    return bytes.length > 4 + length ? bytes.slice(4, 4 + length) : undefined;
  } catch {
    return undefined;
  }
}

/** What is wrong with a public key, in words. */
function sshKeyFault(text: string): string | undefined {
  if (/PRIVATE KEY/.test(text))
    return 'is a private key, which nobody else should have: give the public one, from the file that ends in .pub; and make a new pair';
  if (/[\r\n]/.test(text)) return 'is not one line: give each key by itself';
  const [type = '', base64 = ''] = text.split(' ');
  if (!keyTypes.includes(type)) {
    const found = /^[\w@.-]{1,64}$/.test(type) ? `has the type ${type}` : 'does not begin with its type';
    return `${found}; an OpenSSH public key begins with ${keyTypes.slice(0, 3).join(', ')} or another type that sshd knows`;
  }
  if (typeInside(base64) === type) return undefined;
  return `does not hold a key of type ${type}: it was cut or changed; copy the whole line of the .pub file`;
}

export const sshKey = z
  .string()
  .max(16_384)
  .overwrite((text) => text.trim())
  .check(({ value, issues }) => {
    const message = sshKeyFault(value);
    if (message !== undefined) issues.push({ code: 'custom', message, input: '' });
  });
