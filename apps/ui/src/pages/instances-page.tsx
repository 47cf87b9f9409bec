import { instanceList, type InstanceView } from '#contract';
import { useApi } from '../api/api.js';
import { useLoaded } from '../api/use-loaded.js';
import { Page } from '../parts/page.js';
import { Table } from '../parts/table.js';

const headings = ['Name', 'State', 'Machine', 'Image', 'Installed by'];
const present = { deleted: 'false' };

export function InstancesPage() {
  const api = useApi();
  const loaded = useLoaded('instances', (signal) => api.list(instanceList, '/v1/instances', present, signal));
  return (
    <Page title="Instances" loaded={loaded}>
      {(instances) =>
        instances.length === 0 ? (
          <p>
            No instances. Make one with: <code>dodai spawn --help</code>
          </p>
        ) : (
          <Table name="Instances" headings={headings}>
            {instances.map((instance) => (
              <InstanceRow key={instance.id} instance={instance} />
            ))}
          </Table>
        )
      }
    </Page>
  );
}

function InstanceRow({ instance }: { instance: InstanceView }) {
  const { hostName, state, machine, image, installMethod } = instance;
  return (
    <tr>
      <th scope="row">{hostName}</th>
      <td>{state}</td>
      <td>{machine ? <a href={`/ui/machines/${machine.id}`}>{machine.name}</a> : '–'}</td>
      <td>{image ? <a href={`/ui/images/${image.id}`}>{image.name}</a> : '–'}</td>
      <td>{installMethod ?? '–'}</td>
    </tr>
  );
}
