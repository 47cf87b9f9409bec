import type { NotifyState, WipedDisk } from '#core';
import { ask } from './http-from.js';
import type { Session } from './session.js';

/** Whom a script or an installed OS speaks to, and with which token. */
export interface Ear {
  /** `http://controller/v1/instances/<id>` */
  instanceUrl: string;
  token: string;
}

export interface Word {
  state: NotifyState;
  progress?: number;
  message?: string;
  wipe?: WipedDisk[];
}

/** `refused`: for good. `lost`: no answer, or one that is worth another try. */
type Heard = 'taken' | 'refused' | 'lost';

const strangersAddress = '127.3.0.1';

/** What a machine says, as templates/snippets/notify.sh says it. */
export class Words {
  constructor(
    private readonly session: Session,
    private readonly ear: Ear,
  ) {}

  /** Says a word until it is taken, 12 times at most; false when it was refused or nobody was there. */
  async say(word: Word, tries = 12): Promise<boolean> {
    await this.misbehave(word);
    const told = async () => {
      const heard = await this.post(word);
      return heard === 'lost' ? undefined : heard;
    };
    const isTaken = (await this.session.retry(tries, told)) === 'taken';
    if (this.machine.faults.take('says-twice', ({ word: meant }) => meant === word.state))
      await this.post(word);
    return isTaken;
  }

  /** Says where it stands; one that is lost is not worth another try. */
  async progress(state: NotifyState, progress: number, message: string): Promise<void> {
    await this.post({ state, progress, message });
  }

  async log(text: string): Promise<void> {
    await this.send('log', 'text/plain', text, this.ear.token);
  }

  private get machine() {
    return this.session.machine;
  }

  private async misbehave({ state }: Word): Promise<void> {
    const { faults } = this.machine;
    const isMeant = ({ word }: { word: NotifyState }) => word === state;
    if (faults.take('never-says', isMeant)) await this.session.forever();
    const late = faults.take('says-late', isMeant);
    if (late) await this.session.sleep(late.lateMs);
    const other = faults.take('says-first', isMeant);
    if (other) await this.post({ state: other.first });
    if (faults.take('stranger-says', isMeant)) await this.strangerSays(state);
  }

  private async strangerSays(state: NotifyState): Promise<void> {
    await this.send(
      'notify',
      'application/json',
      JSON.stringify({ state }),
      'no-such-token',
      strangersAddress,
    );
  }

  private async post(word: Word): Promise<Heard> {
    const { machine } = this;
    const { hooks } = machine.world;
    await hooks.onWord?.({ machine, state: word.state, when: 'before' });
    const status = await this.send('notify', 'application/json', JSON.stringify(word), this.ear.token);
    machine.note(`said ${word.state}: ${status}`);
    await hooks.onWord?.({ machine, state: word.state, when: 'after', status });
    this.session.signal.throwIfAborted();
    if (status >= 200 && status < 300) return 'taken';
    return status === 0 || status === 408 || status === 429 || status >= 500 ? 'lost' : 'refused';
  }

  /** The status of the answer; 0 when there was none. */
  private async send(path: string, type: string, body: string, token: string, from = this.machine.address) {
    const { signal } = this.session;
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': type,
      'content-length': Buffer.byteLength(body),
    };
    try {
      const how = { from, signal, method: 'POST', headers, body } as const;
      return (await ask(`${this.ear.instanceUrl}/${path}`, how)).status;
    } catch {
      signal.throwIfAborted();
      return 0;
    }
  }
}
