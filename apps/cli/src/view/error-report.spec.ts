import { DomainError } from '#core';
import { describe, expect, it } from 'vitest';
import { ApiProblem } from '../api-problem.js';
import { errorDocument, errorReport } from './error-report.js';
import { Palette } from './palette.js';

const plain = new Palette(false);
const problem = new ApiProblem(
  400,
  {
    title: 'Invalid request',
    detail: 'The machine has 2 faults.',
    code: 'invalid-request',
    remedy: 'Mend the fields and send it again.',
    errors: [
      { field: 'pxeMac', message: 'is not a MAC address' },
      { field: 'bmcHost', message: 'is missing', row: 7 },
    ],
  },
  'POST /v1/machines',
);

describe('the report of an error', () => {
  it('tells what happened, each fault and what to do', () => {
    expect(errorReport(problem, plain).split('\n')).toEqual([
      'Error: Invalid request: The machine has 2 faults.',
      '  pxeMac is not a MAC address',
      '  row 7, bmcHost is missing',
      'What to do: Mend the fields and send it again.',
    ]);
  });

  it('does not say the faults twice', () => {
    const body = {
      title: 'Invalid request',
      detail: 'It has faults: a: is bad',
      errors: [{ field: 'a', message: 'is bad' }],
    };
    expect(errorReport(new ApiProblem(400, body, ''), plain)).toBe('Error: Invalid request\n  a is bad');
  });

  it('does not say the title twice', () => {
    const echo = new ApiProblem(404, { title: 'Machine not found', detail: 'Machine not found: m9.' }, '');
    expect(errorReport(echo, plain)).toBe('Error: Machine not found: m9.');
  });

  it('says what it can of an answer that is no problem document', () => {
    expect(errorReport(new ApiProblem(502, {}, 'GET /v1/machines'), plain)).toBe(
      'Error: HTTP 502: The controller answered 502 to GET /v1/machines.',
    );
  });

  it('has colours only when they are wanted', () => {
    expect(errorReport(problem, plain)).not.toContain('\u001b');
    expect(errorReport(problem, new Palette(true))).toContain('\u001b');
  });
});

describe('the document of an error', () => {
  it('carries what programs match on', () => {
    expect(errorDocument(problem)).toMatchObject({
      error: {
        code: 'invalid-request',
        status: 400,
        retryable: false,
        errors: [{ field: 'pxeMac' }, { row: 7 }],
      },
    });
  });

  it('is there for errors of this side too', () => {
    expect(errorDocument(new DomainError('controller-unreachable', 'no answer'))).toMatchObject({
      error: { code: 'controller-unreachable', detail: 'no answer', retryable: true },
    });
  });
});
