import { DomainError } from '#core';
import { Drop, Liquid, type LiquidError, UndefinedVariableError } from 'liquidjs';

/**
 * Text that an owner wrote is filled in by the same engine as the files of /templates, but as it stands: nothing is quoted, no
 * file can be included, and it may not take the controller's time or memory.
 */
const engine = new Liquid({
  templates: {},
  strictVariables: true,
  strictFilters: true,
  ownPropertyOnly: true,
  parseLimit: 1 << 20,
  renderLimit: 1_000,
  memoryLimit: 16 << 20,
});

/** Stands for values whose names are not known yet: it has one of every name. */
export class AnyNamed extends Drop {
  override liquidMethodMissing(key: string | number): string {
    return String(key);
  }
}

/** Where and why a text could not be filled in; line and column count from 1. */
export interface TextFault {
  line: number | null;
  column: number | null;
  message: string;
}

/** Throws DomainError `template-parameter` or `template-invalid`; its context is a TextFault. */
export function renderText(text: string, context: object): string {
  try {
    return engine.parseAndRenderSync(text, context) as string;
  } catch (error) {
    throw renderError(error, context);
  }
}

function renderError(error: unknown, context: object): DomainError {
  const cause = error instanceof Error ? error : new Error(String(error));
  const unknown = variableOf(cause);
  const [line = null, column = null] = (cause as Partial<LiquidError>).token?.getPosition?.() ?? [];
  const message =
    unknown === undefined
      ? firstLine(cause.message)
      : `there is no value ${unknown}; known are ${Object.keys(context).join(', ')}`;
  const fault: TextFault = { line, column, message };
  return new DomainError(unknown === undefined ? 'template-invalid' : 'template-parameter', message, {
    context: { ...fault },
    remedy: 'Correct the name or the syntax; text that is to stay as it is goes between {% raw %} and {% endraw %}.',
    cause,
  });
}

function variableOf(error: Error): string | undefined {
  const undeclared = error instanceof UndefinedVariableError || error.name === 'UndefinedVariableError';
  return undeclared ? /undefined variable: (\S+?),? /.exec(`${error.message} `)?.[1]?.replace(/,$/, '') : undefined;
}

/** The engine adds where it was; that is told apart. */
const firstLine = (message: string) => (message.split('\n', 1)[0] ?? message).replace(/, line:\d+, col:\d+.*$/, '');
