import { machineList, type MachineView } from '#contract';
import { useApi } from '../api/api.js';
import { useLoaded } from '../api/use-loaded.js';
import { Page } from '../parts/page.js';
import { Table } from '../parts/table.js';

const headings = ['Name', 'State', 'Power', 'Type', 'Instance'];

export function MachinesPage() {
  const api = useApi();
  const loaded = useLoaded('machines', (signal) => api.list(machineList, '/v1/machines', {}, signal));
  return (
    <Page title="Machines" loaded={loaded}>
      {(machines) =>
        machines.length === 0 ? (
          <p>
            No machines. Enrol one with: <code>dodai machines add --help</code>
          </p>
        ) : (
          <Table name="Machines" headings={headings}>
            {machines.map((machine) => (
              <MachineRow key={machine.id} machine={machine} />
            ))}
          </Table>
        )
      }
    </Page>
  );
}

function MachineRow({ machine: { id, name, state, power, instanceType, instanceId, ...marks } }: RowProps) {
  const hints = [marks.lastError && 'error', marks.locked && 'locked', marks.maintenance && 'maintenance'];
  return (
    <tr>
      <th scope="row">
        <a href={`/ui/machines/${id}`}>{name}</a>
      </th>
      <td>{[state, ...hints.filter(Boolean)].join(', ')}</td>
      <td>{power.state}</td>
      <td>{instanceType}</td>
      <td>{instanceId === null ? '–' : <code title={instanceId}>{instanceId.slice(0, 8)}</code>}</td>
    </tr>
  );
}

interface RowProps {
  machine: MachineView;
}
