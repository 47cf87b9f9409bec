import { DomainError } from '#core';
import { ApiProblem } from '../api-problem.js';
import type { Palette } from './palette.js';

/** What is printed when a command fails: what happened, every fault of the input, what to do next. */
export function errorReport(error: unknown, palette: Palette): string {
  if (!(error instanceof DomainError)) return `${palette.paint('bad', 'Error:')} ${textOf(error)}`;
  const lines = [`${palette.paint('bad', 'Error:')} ${headline(error)}`];
  if (error instanceof ApiProblem) {
    for (const { field, message, row } of error.faults) {
      const place = [row === undefined ? '' : `row ${row}`, field].filter(Boolean).join(', ');
      lines.push(`  ${palette.paint('strong', place || 'input')} ${message}`);
    }
  }
  if (error.remedy) lines.push(`${palette.paint('faint', 'What to do:')} ${error.remedy}`);
  return lines.join('\n');
}

export function errorDocument(error: unknown): Record<string, unknown> {
  if (!(error instanceof DomainError)) return { error: { code: 'internal', detail: textOf(error) } };
  const { code, message: detail, remedy, retryable } = error;
  const answered =
    error instanceof ApiProblem ? { title: error.title, status: error.status, errors: error.faults } : {};
  return { error: { code, detail, remedy, retryable, ...answered } };
}

/** Title and detail, without saying twice what the one or the list of faults says already. */
function headline(error: DomainError): string {
  if (!(error instanceof ApiProblem)) return error.message;
  const { title, message, faults } = error;
  if (faults.length > 0 && faults.every((fault) => message.includes(fault.message))) return title;
  return message.toLowerCase().startsWith(title.toLowerCase()) ? message : `${title}: ${message}`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
