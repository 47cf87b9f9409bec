/** What is wrong with user data, and where. */
export interface Finding {
  /** Which part of several, as its owner knows it: `part 2 (setup.sh)`; null: there is but one. */
  part: string | null;
  /** The field of cloud-config: `users[0].name`. */
  path: string | null;
  /** Of the part, from 1. */
  line: number | null;
  column: number | null;
  message: string;
  /** `syntax`: cloud-init could not read it at all; `schema`: it reads it, but not as meant. */
  about: 'syntax' | 'schema';
}

export interface Findings {
  faults: Finding[];
  /** What works, but has no effect, or will not work in a later cloud-init. */
  warnings: Finding[];
}

/** What is known of a place may be less than everything. */
export type Remark = Pick<Finding, 'message'> & Partial<Finding>;

/** Gathers the findings of one part. */
export class Remarks {
  constructor(
    readonly part: string | null,
    private readonly findings: Findings,
  ) {}

  /** The same for a part within this one. */
  within(part: string): Remarks {
    return new Remarks(this.part === null ? part : `${this.part}, ${part}`, this.findings);
  }

  fault(remark: Remark): void {
    this.findings.faults.push(this.complete(remark));
  }

  warning(remark: Remark): void {
    this.findings.warnings.push(this.complete(remark));
  }

  private complete(remark: Remark): Finding {
    return { part: this.part, path: null, line: null, column: null, about: 'syntax', ...remark };
  }
}

/** A finding in one line, for people. */
export function findingInWords({ part, path, line, column, message }: Finding): string {
  const place = [
    part,
    line === null ? null : `line ${line}`,
    column === null ? null : `column ${column}`,
    path,
  ];
  const known = place.filter((each) => each !== null);
  return known.length === 0 ? message : `${known.join(', ')}: ${message}`;
}
