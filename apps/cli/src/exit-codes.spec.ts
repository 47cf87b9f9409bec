import { DomainError } from '#core';
import { describe, expect, it } from 'vitest';
import { ApiProblem } from './api-problem.js';
import { exitCodeOf } from './exit-codes.js';

const answered = (status: number, code?: string) => new ApiProblem(status, { code }, 'GET /');

describe('the exit code', () => {
  it.each([
    ['of malformed input', answered(400, 'invalid-request'), 2],
    ['of an import with bad rows', answered(422, 'import-invalid'), 2],
    ['of a wrong token', answered(401, 'token-invalid'), 6],
    ['of an unknown machine', answered(404, 'machine-not-found'), 4],
    ['of a duplicate', answered(409, 'machine-duplicate'), 5],
    ['of a failed installation that was waited for', answered(409, 'installer-failed'), 1],
    ['of a BMC that refuses the password', answered(422, 'bmc-wrong-credentials'), 1],
    ['of an error of the controller', answered(500, 'internal'), 1],
    ['of an answer of something else', answered(404), 4],
    ['of a controller that is not there', new DomainError('controller-unreachable', ''), 3],
    ['of an error nobody thought of', new TypeError('x'), 1],
  ])('%s', (_what, error, code) => expect(exitCodeOf(error)).toBe(code));
});
