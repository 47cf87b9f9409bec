import { describe, expect, it } from 'vitest';
import { FakeProcessRunner } from '#testing';
import { Neighbours } from './neighbours.js';

const entry = (dst: string, lladdr: string | undefined, dev = 'eth1', state = 'REACHABLE') => ({
  dst,
  dev,
  lladdr,
  state: [state],
});
const answering = (...tables: object[][]) =>
  new FakeProcessRunner(() => ({ stdout: JSON.stringify(tables.length > 1 ? tables.shift() : tables[0]) }));

describe('the neighbour table', () => {
  it('tells the card at an address, in lower case', async () => {
    const neighbours = new Neighbours(
      answering([entry('10.0.0.5', '52:54:00:AA:00:05'), entry('10.0.0.6', undefined, 'eth1', 'FAILED')]),
    );
    expect(await neighbours.macAt('10.0.0.5')).toBe('52:54:00:aa:00:05');
    expect(await neighbours.macAt('10.0.0.6')).toBeNull();
    expect(await neighbours.macAt('10.0.0.7')).toBeNull();
  });

  it('tells none when two networks have the address', async () => {
    const two = [entry('10.0.0.5', '52:54:00:00:00:05'), entry('10.0.0.5', '52:54:00:00:00:06', 'eth2')];
    expect(await new Neighbours(answering(two)).macAt('10.0.0.5')).toBeNull();
  });

  it('is read anew for every question', async () => {
    const moved = answering(
      [entry('10.0.0.5', '52:54:00:00:00:05')],
      [entry('10.0.0.5', '52:54:00:00:00:06')],
    );
    const neighbours = new Neighbours(moved);
    expect(await neighbours.macAt('10.0.0.5')).toBe('52:54:00:00:00:05');
    expect(await neighbours.macAt('10.0.0.5')).toBe('52:54:00:00:00:06');
  });

  it('is read once more, and no oftener, for all that ask while it is read', async () => {
    const runner = answering([entry('10.0.0.5', '52:54:00:00:00:05')]);
    const neighbours = new Neighbours(runner);
    const first = neighbours.macAt('10.0.0.5');
    await Promise.resolve(); // the first reading has begun
    const crowd = await Promise.all([
      first,
      ...Array.from({ length: 20 }, () => neighbours.macAt('10.0.0.5')),
    ]);
    expect(new Set(crowd)).toEqual(new Set(['52:54:00:00:00:05']));
    expect(runner.runs.length).toBe(2);
  });

  it('that cannot be read is an error for those who asked, and read again for the next', async () => {
    const table = JSON.stringify([entry('10.0.0.5', '52:54:00:00:00:05')]);
    const answers = [{ exitCode: 1, stderr: 'no netlink' }, { stdout: table }];
    const neighbours = new Neighbours(new FakeProcessRunner(() => answers.shift() ?? {}));
    await expect(neighbours.macAt('10.0.0.5')).rejects.toThrow('no netlink');
    expect(await neighbours.macAt('10.0.0.5')).toBe('52:54:00:00:00:05');
  });
});
