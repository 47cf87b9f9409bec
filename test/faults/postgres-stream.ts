/** What is about to be committed. */
export interface Commit {
  machineId: string;
  /** The rows of the timeline in it: `state.changed installing`, `bmc.command on`, …, joined by ` + `. */
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
  rows: { machineId: string; label: string }[] = [];
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

/** The commits in this piece that write to the timeline. */
export function* commitsIn(stream: PgStream, chunk: Buffer): Generator<Commit> {
  for (const { type, text } of stream.messages(chunk)) {
    if (type === 'P' || type === 'Q') readStatement(stream, text);
    if (type === 'B' && stream.insertsEvent) noteRow(stream, text);
    const ends = (type === 'S' || type === 'Q') && !stream.inTransaction; // COMMIT comes as a simple query
    if (ends && stream.rows.length > 0) yield commitOf(stream.rows.splice(0));
  }
}

function commitOf(rows: { machineId: string; label: string }[]): Commit {
  return { machineId: rows[0]?.machineId ?? '', label: rows.map(({ label }) => label).join(' + ') };
}

function readStatement(stream: PgStream, text: string): void {
  stream.insertsEvent = text.includes('INSERT INTO "public"."events"');
  if (/\bBEGIN\b/.test(text)) stream.inTransaction = true;
  if (/\b(COMMIT|ROLLBACK)\b/.test(text)) stream.inTransaction = false;
  if (/\bROLLBACK\b/.test(text)) stream.rows.length = 0;
}

/** Parameters of an INSERT into events: kind, machine, message and data stand in it as text. */
function noteRow({ rows }: PgStream, text: string): void {
  const [what = 'event'] = kind.exec(text) ?? [];
  const [machineId = ''] = uuid.exec(text) ?? [];
  const [, to] = /"(?:to|verb|powerOrder)"\s*:\s*"(\w+)"/.exec(text) ?? [];
  rows.push({ machineId, label: to === undefined ? what : `${what} ${to}` });
}
