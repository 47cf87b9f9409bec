import { expect, it } from 'vitest';
import { GroupedWrites } from './grouped-writes.js';

/** Writes that end when the test lets them. */
function setUp(most?: number) {
  const groups: string[][] = [];
  const ends: (() => void)[] = [];
  const write = async (items: readonly string[]) => {
    groups.push([...items]);
    await new Promise<void>((resolve) => ends.push(resolve));
    if (items.includes('bad')) throw new Error('it is bad');
    if (items.includes('last')) throw new Error('nobody is there');
  };
  const endNext = async () => {
    ends.shift()?.();
    await new Promise(setImmediate);
  };
  return {
    groups,
    endNext,
    writes: new GroupedWrites<string>(write, (error) => String(error).includes('nobody'), most),
  };
}

it('writes the first at once, and what comes meanwhile together, in order', async () => {
  const { writes, groups, endNext } = setUp();
  const all = Promise.all(['a', 'b', 'c'].map((item) => writes.add(item)));
  expect(groups).toEqual([['a']]);
  await endNext();
  expect(groups).toEqual([['a'], ['b', 'c']]);
  await endNext();
  await all;
});

it('writes no more at once than it is told', async () => {
  const { writes, groups, endNext } = setUp(2);
  const all = Promise.all(['a', 'b', 'c', 'd'].map((item) => writes.add(item)));
  for (let left = 3; left > 0; left -= 1) await endNext();
  await all;
  expect(groups).toEqual([['a'], ['b', 'c'], ['d']]);
});

it('gives a failure to the one that is to blame, and writes the others', async () => {
  const { writes, groups, endNext } = setUp();
  const outcomes = Promise.allSettled(['a', 'bad', 'c'].map((item) => writes.add(item)));
  for (let left = 4; left > 0; left -= 1) await endNext();
  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(groups.slice(1)).toEqual([['bad', 'c'], ['bad'], ['c']]);
});

it('tries nobody alone when nobody is there to write to', async () => {
  const { writes, groups, endNext } = setUp();
  const outcomes = Promise.allSettled(['a', 'b', 'last'].map((item) => writes.add(item)));
  for (let left = 2; left > 0; left -= 1) await endNext();
  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  expect(groups).toEqual([['a'], ['b', 'last']]);
});
