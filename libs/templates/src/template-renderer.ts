import { DomainError } from '#core';
import { Liquid, UndefinedVariableError } from 'liquidjs';
import type { z } from 'zod';
import { templateSchemas, type TemplateContext, type TemplateName } from './contexts.js';
import { escapeForXml, lineForPreseed, quoteForGrub, quoteForShell, quoteForYaml, wordForPxelinux } from './quoting.js';

const escapes: Record<TemplateName, (value: unknown) => string> = {
  'create.sh': quoteForShell,
  'hand-over.sh': quoteForShell,
  'delete.sh': quoteForShell,
  'live/vendor-data.sh': quoteForShell,
  'notify.sh': quoteForShell,
  'netinstall/installer.sh': quoteForShell,
  'netinstall/finish.sh': quoteForShell,
  'netinstall/preseed.cfg': lineForPreseed,
  'netinstall/autoinstall.yaml': quoteForYaml,
  'netinstall/kickstart.cfg': quoteForShell,
  'netinstall/autoyast.xml': escapeForXml,
  'pxelinux.cfg': wordForPxelinux,
  'grub.cfg': quoteForGrub,
};

/**
 * Renders the files of a directory of templates. Every value is quoted for where it goes, by default; a parameter
 * that is missing, unknown or malformed is a DomainError `template-parameter` that names it, and so is a
 * variable that a template uses but nobody declared. Files are read anew each time: they may be edited.
 */
export class TemplateRenderer {
  constructor(private readonly templatesDir: string) {}

  async render<N extends TemplateName>(name: N, context: TemplateContext<N>): Promise<string> {
    const values = parseContext(name, context);
    try {
      return (await this.engineFor(name).renderFile(name, values)) as string;
    } catch (error) {
      throw renderError(name, error);
    }
  }

  private engineFor(name: TemplateName): Liquid {
    return new Liquid({
      root: this.templatesDir,
      strictVariables: true,
      strictFilters: true,
      ownPropertyOnly: true,
      outputEscape: escapes[name],
    });
  }
}

function parseContext(name: TemplateName, context: unknown): object {
  const result = templateSchemas[name].safeParse(context, {
    error: (issue) => (issue.input === undefined ? 'is missing' : undefined),
  });
  if (result.success) return result.data;
  const faults = result.error.issues.flatMap(faultsOf);
  throw new DomainError('template-parameter', `template ${name}: ${faults.map(inWords).join('; ')}`, {
    context: { template: name, parameters: faults.map((fault) => fault.parameter) },
    remedy: 'Give the template the parameters that its schema in libs/templates describes.',
  });
}

interface Fault {
  parameter: string;
  message: string;
}

function faultsOf(issue: z.core.$ZodIssue): Fault[] {
  const path = issue.path.map(String);
  if (issue.code !== 'unrecognized_keys') return [{ parameter: path.join('.'), message: issue.message }];
  return issue.keys.map((key) => ({ parameter: [...path, key].join('.'), message: 'is unknown' }));
}

function inWords(fault: Fault): string {
  return `parameter ${fault.parameter} ${fault.message}`;
}

function renderError(name: TemplateName, error: unknown): DomainError {
  const cause = error instanceof Error ? error : new Error(String(error));
  const undeclared = cause instanceof UndefinedVariableError || cause.name === 'UndefinedVariableError';
  return new DomainError(undeclared ? 'template-parameter' : 'template-invalid', `template ${name}: ${cause.message}`, {
    context: { template: name },
    remedy: undeclared
      ? 'Correct the name in the template, or declare the parameter in libs/templates.'
      : 'Correct the template; its path and line are in the message.',
    cause,
  });
}
