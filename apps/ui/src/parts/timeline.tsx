import { useEffect, useState } from 'preact/hooks';
import type { EventView } from '#contract';
import { useApi } from '../api/api.js';
import { type Said, saidOf } from '../api/said.js';
import { ProblemNote } from './problem-note.js';
import { When } from './quantities.js';
import { Table } from './table.js';

/** As many as a page bears. */
const mostEvents = 500;

interface TimelineProps {
  machineId: string;
  /** What is known of the machine may be another. */
  onNews: () => void;
}

/** What happened to a machine, the newest first; what happens appears at once. */
export function Timeline({ machineId, onNews }: TimelineProps) {
  const api = useApi();
  const [events, setEvents] = useState<EventView[]>();
  const [isLost, setLost] = useState(false);
  const [said, setSaid] = useState<Said>();
  useEffect(() => {
    const abort = new AbortController();
    const onEvents = (latest: EventView[]) => {
      setEvents((before = []) => [...latest.toReversed(), ...before].slice(0, mostEvents));
      onNews();
    };
    const onConnection = (state: 'stands' | 'lost') => setLost(state === 'lost');
    api.followMachine(machineId, { onEvents, onConnection }, abort.signal).catch((error: unknown) => {
      if (!abort.signal.aborted) setSaid(saidOf(error));
    });
    return () => abort.abort();
  }, [machineId]);
  return (
    <section aria-label="Timeline">
      <h2>Timeline</h2>
      {said && <ProblemNote said={said} />}
      {isLost && !said && <p aria-busy="true">The controller is away. It is asked again …</p>}
      {events && <EventTable events={events} />}
    </section>
  );
}

function EventTable({ events }: { events: EventView[] }) {
  return (
    <Table name="Events, the newest first" headings={['When', 'What', 'Kind']}>
      {events.map(({ id, at, message, kind }) => (
        <tr key={id}>
          <td>
            <When at={at} />
          </td>
          <td>{message}</td>
          <td>
            <code>{kind}</code>
          </td>
        </tr>
      ))}
    </Table>
  );
}
