import { useState } from 'preact/hooks';
import { instanceView, type MachineView } from '#contract';
import { useApi } from '../api/api.js';
import { type Said, saidOf } from '../api/said.js';
import { useLoaded } from '../api/use-loaded.js';
import { ProblemNote } from './problem-note.js';

interface OperatorCallProps {
  machine: MachineView;
  onSaid: () => void;
}

/** What the person is to do who was called to a machine, and how they say that it is done, or why not. Nothing for any other machine. */
export function OperatorCall({ machine, onSaid }: OperatorCallProps) {
  const { installation, instanceId } = machine;
  const isCalled = installation?.stage === 'operator' && installation.awaits !== null;
  if (!isCalled || instanceId === null) return null;
  return (
    <section aria-label="You are called">
      <h2>A person is called</h2>
      <Instructions key={installation.since} instanceId={instanceId} since={installation.since} />
      <Words instanceId={instanceId} onSaid={onSaid} />
    </section>
  );
}

function Instructions({ instanceId, since }: { instanceId: string; since: string }) {
  const api = useApi();
  const path = `/v1/instances/${instanceId}`;
  const { value, said } = useLoaded(`${path} ${since}`, (signal) => api.read(instanceView, path, signal));
  if (said) return <ProblemNote said={said} />;
  if (!value) return <p aria-busy="true">Reading …</p>;
  return value.operatorCall && <pre>{value.operatorCall.instructions}</pre>;
}

function Words({ instanceId, onSaid }: { instanceId: string; onSaid: () => void }) {
  const api = useApi();
  const [isBusy, setBusy] = useState(false);
  const [reason, setReason] = useState('');
  const [said, setSaid] = useState<Said>();
  const say = async (word: 'manual-done' | 'manual-failed', body?: object) => {
    setBusy(true);
    setSaid(undefined);
    try {
      await api.ask(`/v1/instances/${instanceId}/${word}`, body);
      onSaid();
    } catch (error) {
      setSaid(saidOf(error));
    }
    setBusy(false);
  };
  const fail = (event: Event) => {
    event.preventDefault();
    void say('manual-failed', { reason });
  };
  return (
    <>
      {said && <ProblemNote said={said} />}
      <p>
        <button type="button" disabled={isBusy} onClick={() => void say('manual-done')}>
          It is done
        </button>
      </p>
      <form onSubmit={fail}>
        <label>
          Why it could not be done
          <input required value={reason} onInput={({ currentTarget }) => setReason(currentTarget.value)} />
        </label>
        <button type="submit" class="secondary" disabled={isBusy}>
          It failed
        </button>
      </form>
    </>
  );
}
