import { expect, it } from 'vitest';
import { GroupedQueries } from './grouped-queries.js';

/** Queries that end when the test lets them. */
function setUp(grouping: { most?: number; keyOf?: (item: string) => unknown } = {}) {
  const groups: string[][] = [];
  const ends: (() => void)[] = [];
  const query = async (items: readonly string[]) => {
    groups.push([...items]);
    await new Promise<void>((resolve) => ends.push(resolve));
    if (items.includes('bad')) throw new Error('it is bad');
    if (items.includes('last')) throw new Error('nobody is there');
    return items.map((item) => `did ${item}`);
  };
  const endNext = async () => {
    ends.shift()?.();
    await new Promise(setImmediate);
  };
  return {
    groups,
    endNext,
    queries: new GroupedQueries<string, string>(query, {
      isForAll: (error) => String(error).includes('nobody'),
      ...grouping,
    }),
  };
}

it('asks for the first at once, and for what comes meanwhile together, in order', async () => {
  const { queries, groups, endNext } = setUp();
  const all = Promise.all(['a', 'b', 'c'].map((item) => queries.add(item)));
  expect(groups).toEqual([['a']]);
  await endNext();
  expect(groups).toEqual([['a'], ['b', 'c']]);
  await endNext();
  expect(await all).toEqual(['did a', 'did b', 'did c']);
});

it('asks for no more at once than it is told', async () => {
  const { queries, groups, endNext } = setUp({ most: 2 });
  const all = Promise.all(['a', 'b', 'c', 'd'].map((item) => queries.add(item)));
  for (let left = 3; left > 0; left -= 1) await endNext();
  await all;
  expect(groups).toEqual([['a'], ['b', 'c'], ['d']]);
});

it('gives a failure to the one that is to blame, and does the others', async () => {
  const { queries, groups, endNext } = setUp();
  const outcomes = Promise.allSettled(['a', 'bad', 'c'].map((item) => queries.add(item)));
  for (let left = 4; left > 0; left -= 1) await endNext();
  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(groups.slice(1)).toEqual([['bad', 'c'], ['bad'], ['c']]);
});

it('tries nobody alone when nobody is there to ask', async () => {
  const { queries, groups, endNext } = setUp();
  const outcomes = Promise.allSettled(['a', 'b', 'last'].map((item) => queries.add(item)));
  for (let left = 2; left > 0; left -= 1) await endNext();
  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  expect(groups).toEqual([['a'], ['b', 'last']]);
});

it('keeps two of the same key apart, in order', async () => {
  const { queries, groups, endNext } = setUp({ keyOf: (item) => item[0] });
  const all = Promise.all(['x', 'a1', 'b1', 'a2', 'a3', 'c1'].map((item) => queries.add(item)));
  for (let left = 4; left > 0; left -= 1) await endNext();
  await all;
  expect(groups).toEqual([['x'], ['a1', 'b1', 'c1'], ['a2'], ['a3']]);
});
