import type { Image, ImageInstall, InstallMethodName, Instance, Machine, NotifyState, Stage } from '#core';
import { installerFiles } from '#provisioning';
import type { TestEngine } from './engine.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

export interface MethodUnderTest {
  name: InstallMethodName;
  image: Pick<Image, 'kind'> & { install?: ImageInstall };
  /** What the machine, and then its OS, says on a good day, each in its stage. */
  words: readonly (readonly [Stage, NotifyState])[];
  /** All stages, in order. */
  way: readonly Stage[];
  /** The texts it fetches, and the stages in which they are due. */
  files: Partial<Record<(typeof installerFiles)[number], readonly Stage[]>>;
  /** What the machine is given before the installer has reported in, and when the OS is there. */
  boots: { installer: 'local' | 'kernel'; os: 'local' | 'kernel' };
}

/** An engine whose machines may be silent for so long, and whose works are tried so often again. */
export type Start = (silenceMs?: number, retries?: number) => Promise<TestEngine>;

const asker = { kind: 'token', name: 'test' } as const;

/** What every install method does, whatever happens on the machine. */
export function describeInstallMethod(method: MethodUnderTest, start: Start): void {
  const { name, image, words, way, files, boots } = method;

  describe(`${name} is an install method`, () => {
    let engine: TestEngine;
    let machine: Machine;
    let instance: Instance;

    beforeEach(async () => {
      await begin(await start());
    });
    afterEach(() => engine.stop());

    async function begin(started: TestEngine): Promise<void> {
      engine = started;
      await engine.addImage('installed-so', image);
      machine = await engine.inactiveMachine('m1', 1);
      const wish = { image: 'installed-so', installMethod: name };
      instance = await engine.spawn(machine, 'blue', undefined, wish);
    }

    const isIn = (stage: Stage) => (seen: Machine) => seen.stage === stage && seen.awaits !== null;

    /** Plays the machine, and looks at each place where it is waited for. */
    async function comeToItsEnd(look: (stage: Stage) => Promise<void> = async () => {}): Promise<Machine> {
      for (const [stage, word] of words) {
        await engine.until(machine.id, isIn(stage));
        await look(stage);
        await engine.say(instance.id, word);
      }
      return engine.until(machine.id, ({ state }) => state === 'used');
    }

    const given = async () => (await engine.netbooting.decide(machine.pxeMac)).kind;
    const served = async () => {
      const texts = installerFiles.map((file) =>
        engine.netbooting.file(instance.id, file).then(
          () => file,
          ({ code }: { code: string }) => (expect(code).toBe('not-found'), null),
        ),
      );
      return (await Promise.all(texts)).filter((file) => file !== null);
    };
    const stagesOf = async (): Promise<unknown[]> => {
      const { items } = await engine.events.list({
        machineId: machine.id,
        kinds: ['stage.changed'],
        limit: 50,
      });
      return items.map(({ data }) => data.to);
    };

    it('goes its way through the life cycle, and is its owner’s', async () => {
      expect(instance.installMethod).toBe(name);
      expect(await comeToItsEnd()).toMatchObject({ stage: null, lastError: null, power: 'on' });
      expect(await stagesOf()).toEqual(way.slice(1));
      expect(await engine.instances.get(instance.id)).toMatchObject({ state: 'active', pooled: false });
    });

    it('gives the machine what installs it until that has reported in, then its OS, and nothing when it is free', async () => {
      const installing: readonly Stage[] = ['booting', 'operator'];
      await comeToItsEnd(async (stage) =>
        expect(await given()).toBe(installing.includes(stage) ? boots.installer : boots.os),
      );
      expect(await given()).toBe(boots.os);
      await engine.verbs.destroy(instance.id, asker);
      await engine.until(machine.id, isIn('booting'));
      expect(await given()).toBe('kernel');
      await engine.wipe(instance);
      expect(await given()).toBe('local');
    });

    it('serves what has the token inside while it is due, and not after', async () => {
      await comeToItsEnd(async (stage) => {
        const due = installerFiles.filter((file) => files[file]?.includes(stage));
        expect(await served(), stage).toEqual(due);
      });
      expect(await served()).toEqual([]);
    });

    it('goes on where it stood when the conductor ends, wherever that is, and switches nothing twice', async () => {
      await comeToItsEnd(async () => {
        await engine.stopConductor();
        await engine.startConductor();
      });
      expect(engine.orders.filter((verb) => verb === 'on')).toHaveLength(
        way.includes('install_reboot') ? 2 : 1,
      );
    });

    it('begins anew when it has failed and is tried again', async () => {
      const [[first]] = words as [(typeof words)[number]];
      await engine.until(machine.id, isIn(first));
      await engine.say(instance.id, 'failed', 'the disk is broken');
      const failed = await engine.until(machine.id, ({ state }) => state === 'install_failed');
      expect(failed.lastError?.message).toContain('the disk is broken');
      expect(await given()).toBe('local');
      await engine.verbs.retry({ instanceId: instance.id }, asker);
      await comeToItsEnd();
    });

    it.each(words.map(([stage], index) => [stage, index] as const))(
      'goes on by itself when the machine has lost its power in the stage %s',
      async (_stage, index) => {
        await engine.stop();
        await begin(await start(3000, 1));
        for (const [stage, word] of words.slice(0, index)) {
          await engine.until(machine.id, isIn(stage));
          await engine.say(instance.id, word);
        }
        await engine.until(machine.id, isIn(words[index]![0]));
        engine.driver.add(engine.addressOf(machine), { power: 'off' });
        const again = await engine.until(
          machine.id,
          ({ attempt, awaits }) => attempt === 2 && awaits !== null,
        );
        expect(await engine.driver.status(engine.addressOf(machine))).toBe('on');
        const left = words.slice(words.findIndex(([stage]) => stage === again.stage));
        for (const [stage, word] of left) {
          await engine.until(machine.id, isIn(stage));
          await engine.say(instance.id, word);
        }
        await engine.until(machine.id, ({ state }) => state === 'used');
      },
    );

    it('is left as it stands when it is aborted, and can then be destroyed', async () => {
      const [[first]] = words as [(typeof words)[number]];
      await engine.until(machine.id, isIn(first));
      const before = engine.orders;
      await engine.verbs.abort({ instanceId: instance.id }, asker);
      await engine.until(machine.id, ({ state }) => state === 'install_failed');
      expect(engine.orders).toEqual(before);
      await engine.verbs.destroy(instance.id, asker);
      await engine.wipe(instance);
      expect(await engine.machines.get(machine.id)).toMatchObject({ state: 'inactive', instanceId: null });
    });

    it('is refused where the instance type forbids it', async () => {
      await engine.types.update('small', { forbiddenMethods: [name] });
      const refused = engine.spawn(undefined, 'blue', undefined, {
        image: 'installed-so',
        installMethod: name,
      });
      await expect(refused).rejects.toMatchObject({
        code: 'install-method-forbidden',
        context: { field: 'installMethod' },
      });
    });
  });
}
