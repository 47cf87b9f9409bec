/** A row of the timeline: `state.changed installing`, `bmc.command on`, … */
export interface Told {
  machineId: string;
  label: string;
}

interface Message {
  /** The letter of the message; empty for the first one, which has none. */
  type: string;
  text: string;
}

/** The messages of a client in PostgreSQL's protocol 3.0, put together from the pieces they come in. */
export class PgStream {
  inTransaction = false;
  insertsEvent = false;
  rows: Told[] = [];
  private pending: Buffer = Buffer.alloc(0);
  private begun = false;

  *messages(chunk: Buffer): Generator<Message> {
    this.pending = Buffer.concat([this.pending, chunk]);
    for (;;) {
      const head = this.begun ? 1 : 0;
      if (this.pending.length < head + 4) return;
      const length = head + this.pending.readUInt32BE(head);
      if (this.pending.length < length) return;
      const type = this.begun ? String.fromCharCode(this.pending[0] ?? 0) : '';
      const text = this.pending.toString('latin1', head + 4, length);
      this.pending = this.pending.subarray(length);
      this.begun = true;
      yield { type, text };
    }
  }
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;
const kind = /[a-z]+\.[a-z]+(?:-[a-z]+)?/;

/** The rows of each commit in this piece that writes to the timeline. */
export function* commitsIn(stream: PgStream, chunk: Buffer): Generator<readonly Told[]> {
  for (const { type, text } of stream.messages(chunk)) {
    if (type === 'P' || type === 'Q') readStatement(stream, text);
    if (type === 'B' && stream.insertsEvent) stream.rows.push(...rowsIn(text));
    const ends = (type === 'S' || type === 'Q') && !stream.inTransaction; // COMMIT comes as a simple query
    if (ends && stream.rows.length > 0) yield byMachine(stream.rows.splice(0));
  }
}

/** Those of one machine are one, joined by ` + `. */
function byMachine(rows: readonly Told[]): Told[] {
  const machines = [...new Set(rows.map(({ machineId }) => machineId))];
  return machines.map((machineId) => {
    const own = rows.filter((row) => row.machineId === machineId);
    return { machineId, label: own.map(({ label }) => label).join(' + ') };
  });
}

function readStatement(stream: PgStream, text: string): void {
  stream.insertsEvent = /INSERT INTO ("public"\.)?"?events"?/.test(text);
  if (/\bBEGIN\b/.test(text)) stream.inTransaction = true;
  if (/\b(COMMIT|ROLLBACK)\b/.test(text)) stream.inTransaction = false;
  if (/\bROLLBACK\b/.test(text)) stream.rows.length = 0;
}

/** Parameters of an INSERT into events: those of one row as text, or the changes of several machines as JSON. */
function rowsIn(text: string): Told[] {
  const [changes] = /\[\{"place":[^\0]*/.exec(text) ?? [];
  if (changes === undefined) return [rowOf(text)];
  return (JSON.parse(changes) as { id: string; kind: string; data: object }[]).map(
    ({ id, kind: what, data }) => ({
      machineId: id,
      label: labelOf(what, JSON.stringify(data)),
    }),
  );
}

function rowOf(text: string): Told {
  const [what = 'event'] = kind.exec(text) ?? [];
  const [machineId = ''] = uuid.exec(text) ?? [];
  return { machineId, label: labelOf(what, text) };
}

function labelOf(what: string, data: string): string {
  const [, to] = /"(?:to|verb|powerOrder)"\s*:\s*"(\w+)"/.exec(data) ?? [];
  return to === undefined ? what : `${what} ${to}`;
}
