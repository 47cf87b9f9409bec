import { describe, expect, it } from 'vitest';
import { createLogger } from '#platform';
import type { Occupant } from '#store';
import { Callers } from './callers.js';

const occupant = (instanceId: string): Occupant => ({
  instanceId,
  machineId: `machine of ${instanceId}`,
  revision: '1',
  since: new Date(0),
});
const [a, b] = [occupant('a'), occupant('b')];
const log = createLogger({ level: 'silent', pretty: false });

/** Who is at an address by the inventory, and who has the card that answers there. */
function find(byAddress: Occupant[], mac: string | null, byMac: Occupant[] = []) {
  const occupants = {
    at: async () => byAddress,
    withMac: async (asked: string) => (asked === mac ? byMac : []),
    byInstance: async () => undefined,
  };
  const callers = new Callers(occupants, [{ macAt: async () => null }, { macAt: async () => mac }], log);
  return callers.find({ kind: 'address', address: '10.0.0.5' });
}

describe('who is asking', () => {
  it('is whose address it is, and its card is not asked for', async () => {
    expect(await find([a], 'mac', [b])).toBe(a);
  });

  it('is whose card it is, when the address is nobody’s', async () => {
    expect(await find([], 'mac', [a])).toBe(a);
  });

  it('is a stranger with an address and a card that nobody has', async () => {
    expect(await find([], 'mac')).toBeUndefined();
    expect(await find([], null)).toBeUndefined();
  });

  it('is a stranger when two machines say that they have the card', async () => {
    expect(await find([], 'mac', [a, b])).toBeUndefined();
  });

  it('is told by the card when the address is that of two in different networks', async () => {
    expect(await find([a, b], 'mac', [b])).toBe(b);
  });

  it('is nobody when the address is that of two, and the card that of neither', async () => {
    expect(await find([a, b], 'mac', [occupant('c')])).toBeUndefined();
    expect(await find([a, b], null)).toBeUndefined();
  });
});
