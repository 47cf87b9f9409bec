export interface PublicKey {
  /** Unlike every other key's. */
  name: string;
  key: string;
}

/** A key type and its base64, then what people write behind it. */
const parts = /(?:^|\s)(?:ssh-|ecdsa-|sk-)\S+\s+[A-Za-z0-9+/]+=*(?:\s+(.*))?$/;

/**
 * The keys of an instance, each called by its comment, of which only what cannot be taken for a listing's own marks is left
 * (EC2 lists keys as `0=name`, folders with a `/`). Readers keep keys by name: two of the same name would be one.
 */
export function publicKeys(sshKeys: string[]): PublicKey[] {
  const taken = new Set<string>();
  return sshKeys.map((key, index) => {
    const name = freeName(nameOf(key) || `key-${index}`, taken);
    taken.add(name);
    return { name, key: key.trim() };
  });
}

const nameOf = (key: string): string =>
  (parts.exec(key.trim())?.[1] ?? '')
    .replaceAll(/[^A-Za-z0-9@._+-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 64);

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
  return name;
}
