import type { Command } from 'commander';
import type { CliIo } from './cli-io.js';
import { DodaiClient } from './client.js';
import { type ConnectionOptions, connectionOf } from './connection.js';
import { Output, type OutputOptions } from './output.js';

/** What every command works with. */
export interface Session {
  client: DodaiClient;
  output: Output;
  io: CliIo;
}

type GlobalOptions = ConnectionOptions & OutputOptions;

/**
 * Turns the work of a command into a commander action. The work gets the session, then the arguments and the
 * options of its own command.
 */
export function withSession<Given extends unknown[]>(
  io: CliIo,
  work: (session: Session, ...given: Given) => Promise<void>,
): (...given: [...Given, Command]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command;
    const options = command.optsWithGlobals<GlobalOptions>();
    const connection = connectionOf(options, io.env);
    const client = new DodaiClient({ ...connection, sleep: io.sleep, signal: io.signal });
    await work({ client, output: new Output(io, options), io }, ...(given.slice(0, -1) as Given));
  };
}
