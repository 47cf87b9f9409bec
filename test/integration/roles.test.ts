import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type IpmiSim, startIpmiSim } from '../support/ipmi-sim.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { startRedis, type TestRedis } from '../support/redis.js';
import { machineNumber, RunningController } from '../support/running-controller.js';

let postgres: TestPostgres;
let redis: TestRedis;
let bmc: IpmiSim;
let site: { front: RunningController; conductor: RunningController };

beforeAll(async () => {
  [postgres, redis, bmc] = await Promise.all([startPostgres(), startRedis(), startIpmiSim()]);
  const shared = {
    DATABASE_URL: (await postgres.database()).reveal(),
    REDIS_URL: redis.url.reveal(),
    DODAI_SECRET_KEY: randomBytes(32).toString('base64'),
  };
  site = {
    front: await RunningController.start({ ...shared, DODAI_ROLES: 'api,boot' }),
    conductor: await RunningController.start({ ...shared, DODAI_ROLES: 'conductor' }),
  };
});
afterAll(async () => {
  await site?.conductor.end();
  await site?.front.end();
  await Promise.all([bmc?.stop(), redis?.stop()]);
  await postgres?.stop();
});

it('the conductor works for the API of another process, through PostgreSQL and Redis', async () => {
  const type = { name: 'standard', vcpus: 1, memoryMb: 512, localGb: 40 };
  await site.front.ask('POST', '/v1/instance-types', { body: type });
  const { port: bmcPort, user: bmcUser, password: bmcPassword } = bmc;
  const body = machineNumber(1, { bmcPort, bmcUser, bmcPassword });
  const enrolled = await site.front.ask('POST', '/v1/machines?wait=verified&timeout=30', { body });
  expect(enrolled).toMatchObject({ status: 201, body: { state: 'inactive', power: { state: 'off' } } });
});

it('a process without the role api has no API and no web UI', async () => {
  const { token } = site.front;
  expect((await site.conductor.ask('GET', '/v1/machines', { token })).status).toBe(404);
  for (const path of ['/', '/ui/'])
    expect(await site.conductor.refused('GET', path)).toMatchObject({ status: 404 });
  expect((await site.conductor.ask('GET', '/readyz', { token: null })).status).toBe(200);
});
