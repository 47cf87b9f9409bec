import { ProcessRunner, type RunOptions, type RunResult } from '#platform';

export interface RecordedRun {
  file: string;
  args: readonly string[];
  options: RunOptions;
}

type Answer = Partial<RunResult> | Error;
type Program = (run: RecordedRun) => Answer | Promise<Answer>;

/** Runs no program: answers as the test says, and keeps what was asked. */
export class FakeProcessRunner extends ProcessRunner {
  readonly runs: RecordedRun[] = [];

  /** `program` says how each run ends; whatever it leaves out is that of a program that succeeds silently. */
  constructor(private readonly program: Program = () => ({})) {
    super();
  }

  async run(file: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
    options.signal?.throwIfAborted();
    const run = { file, args, options };
    this.runs.push(run);
    const answer = await this.program(run);
    if (answer instanceof Error) throw answer;
    return { exitCode: 0, stdout: '', stderr: '', timedOut: false, durationMs: 0, ...answer };
  }
}
