import path from 'node:path';

export interface Settings {
  /** Of the rack; also tells a lasting quickstart from one that only proves itself. */
  name: string;
  /** Everything of this quickstart but the rack: the controller's data, its log, the owner's key. */
  dir: string;
  /** Images, built once for all. */
  cacheDir: string;
  /** Where the controller answers on this host's loopback; 0: any free port. */
  port: number;
}

const controllerPort = 7071;

type Environment = Record<string, string | undefined>;

/** The quickstart that stays up. */
export function lastingSettings(env: Environment): Settings {
  return {
    name: 'quickstart',
    dir: path.resolve(env.DODAI_QUICKSTART_DIR || '/var/lib/dodai-quickstart'),
    cacheDir: path.resolve(env.DODAI_CACHE_DIR || '/var/cache/dodai'),
    port: Number(env.DODAI_QUICKSTART_PORT || controllerPort),
  };
}

/** The one of `--once`: it shares nothing with the lasting one but the images, so both may be up together. */
export function passingSettings(env: Environment): Settings {
  const lasting = lastingSettings(env);
  return { ...lasting, name: 'quickstart-once', dir: `${lasting.dir}-once`, port: 0 };
}
