import { deletionStages, handOverStages, installationStages, machineLifecycle } from './lifecycle.js';

type Table = Record<string, { on: Record<string, string> }>;

function arrows(table: Table, indent: string): string[] {
  return Object.entries(table).flatMap(([from, { on }]) =>
    Object.entries(on).map(([event, to]) => `${indent}${from} --> ${to}: ${event}`),
  );
}

function work(name: string, table: Table): string[] {
  const rename = (stage: string) => `${name}_${stage}`;
  const renamed = Object.fromEntries(
    Object.entries(table).map(([from, { on }]) => [
      rename(from),
      { on: Object.fromEntries(Object.entries(on).map(([event, to]) => [event, rename(to)])) },
    ]),
  );
  const labels = Object.keys(table).map((stage) => `    state "${stage}" as ${rename(stage)}`);
  return [`  state ${name} {`, ...labels, ...arrows(renamed, '    '), '  }'];
}

/** The life cycle as a Mermaid state diagram; README shows it and a test holds the two equal. */
export function lifecycleDiagram(): string {
  return [
    'stateDiagram-v2',
    '  [*] --> enrolled',
    ...arrows(machineLifecycle, '  '),
    ...work('installing', installationStages),
    ...work('handing_over', handOverStages),
    ...work('deleting', deletionStages),
  ].join('\n');
}
