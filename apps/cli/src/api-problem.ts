import { type FieldFault, fieldFault } from '#contract';
import { DomainError, type ErrorCode, errorCodes } from '#core';

interface ProblemBody {
  status?: unknown;
  title?: unknown;
  detail?: unknown;
  code?: unknown;
  remedy?: unknown;
  errors?: unknown;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** An error answer of the controller (RFC 9457), with everything it says about the cause. */
export class ApiProblem extends DomainError {
  readonly status: number;
  readonly title: string;
  readonly faults: FieldFault[];

  constructor(status: number, body: ProblemBody, what: string) {
    const detail = isText(body.detail) ? body.detail : `The controller answered ${status} to ${what}.`;
    const remedy = isText(body.remedy) ? body.remedy : undefined;
    super(codeOf(body.code, status), detail, { remedy, context: { status } });
    this.status = status;
    this.title = isText(body.title) ? body.title : `HTTP ${status}`;
    this.faults = faultsOf(body.errors);
  }
}

export async function readProblem(response: Response, what: string): Promise<ApiProblem> {
  const text = await response.text().catch(() => '');
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return new ApiProblem(response.status, isJson ? parseProblem(text) : {}, what);
}

/** A proxy in between may answer with something of its own. */
export function parseProblem(text: string): ProblemBody {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    return {};
  }
}

function codeOf(code: unknown, status: number): ErrorCode {
  const known = errorCodes.find((candidate) => candidate === code);
  if (known) return known;
  if (status === 404) return 'not-found';
  if (status === 401) return 'token-missing';
  if (status === 403) return 'token-invalid';
  return status < 500 ? 'invalid-request' : 'internal';
}

function faultsOf(errors: unknown): FieldFault[] {
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((fault: unknown) => fieldFault.safeParse(fault).data ?? []);
}
