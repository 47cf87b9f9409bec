import type { ComponentChildren } from 'preact';
import { type MachineView, machineView } from '#contract';
import { useApi } from '../api/api.js';
import { useLoaded } from '../api/use-loaded.js';
import { OperatorCall } from '../parts/operator-call.js';
import { Page } from '../parts/page.js';
import { ProblemNote } from '../parts/problem-note.js';
import { When } from '../parts/quantities.js';
import { Facts } from '../parts/table.js';
import { Timeline } from '../parts/timeline.js';

export function MachinePage({ id }: { id: string }) {
  const api = useApi();
  const path = `/v1/machines/${encodeURIComponent(id)}`;
  const loaded = useLoaded(path, (signal) => api.read(machineView, path, signal));
  return (
    <Page title={loaded.value?.name ?? 'Machine'} loaded={loaded}>
      {(machine) => (
        <>
          <OperatorCall key={`call ${machine.id}`} machine={machine} onSaid={loaded.reload} />
          <MachineFacts machine={machine} />
          <Timeline key={machine.id} machineId={machine.id} onNews={loaded.reload} />
        </>
      )}
    </Page>
  );
}

function MachineFacts({ machine }: { machine: MachineView }) {
  const { lastError, bmcFault, power, installation, stateSince } = machine;
  return (
    <>
      {lastError && <ErrorNote title="Last error" error={lastError} />}
      {bmcFault && <ErrorNote title="The BMC cannot be asked" error={bmcFault} />}
      <Facts
        name="What it is"
        facts={{
          Id: <code>{machine.id}</code>,
          State: <Since what={machine.state} at={stateSince} />,
          Stage: installation && <Since what={installation.stage} at={installation.since} />,
          'Installer says': installation?.message,
          Awaits: installation?.awaits,
          'Failed at': machine.failedStage,
          Maintenance: markText(machine.maintenance),
          Locked: markText(machine.locked),
          'Allowed now': machine.verbs.join(', ') || 'nothing',
          Power: <Since what={power.state} at={power.at} />,
          'Power order': machine.powerOrder,
          Instance: machine.instanceId && <code>{machine.instanceId}</code>,
          'Instance type': machine.instanceType,
          Capacity: `${machine.vcpus} CPUs, ${machine.memoryMb} MiB memory, ${machine.localGb} GB disk`,
          Zone: machine.availabilityZone,
          BMC: `${machine.bmcUser} at ${machine.bmcHost}:${machine.bmcPort}`,
          'Boot mode': machine.bootMode,
          PXE: [machine.pxeMac, machine.pxeIp].filter(Boolean).join(', '),
          Labels: Object.entries(machine.labels)
            .map((pair) => pair.join('='))
            .join(', '),
          Enrolled: <When at={machine.createdAt} />,
        }}
      />
    </>
  );
}

function Since({ what, at }: { what: ComponentChildren; at: string | null }) {
  if (at === null) return <>{what}</>;
  return (
    <>
      {what}{' '}
      <small>
        (<When at={at} />)
      </small>
    </>
  );
}

const markText = (mark: MachineView['locked']) => mark && `${mark.reason} (by ${mark.by})`;

type LastError = NonNullable<MachineView['lastError']>;

function ErrorNote({ title, error: { message, remedy } }: { title: string; error: LastError }) {
  return <ProblemNote said={{ title, detail: message, remedy }} />;
}
