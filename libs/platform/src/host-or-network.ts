import { isIP } from 'node:net';

/** A name, an address, or a network such as `10.1.0.0/16`. */
export function isHostOrNetwork(text: string): boolean {
  return isAddressOrNetwork(text) || /^(?=.*[a-z])[a-z0-9][a-z0-9.-]*$/i.test(text);
}

export function isAddressOrNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (bits === undefined) return family !== 0;
  return family !== 0 && more.length === 0 && /^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}
