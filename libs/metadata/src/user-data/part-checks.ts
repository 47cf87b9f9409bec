import { checkCloudConfig } from './cloud-config/check-cloud-config.js';
import type { CloudConfigSchema } from './cloud-config/cloud-config-schema.js';
import type { Remarks } from './finding.js';
import { kindOfText, type UserDataKind } from './kinds.js';

/** What is said of a text once it is known what it is for. */
type Check = (text: string, remarks: Remarks, schema: CloudConfigSchema | null) => void;

/** What is made of several others is not here: those are looked at one by one. */
export type SimpleKind = Exclude<UserDataKind, 'multipart/mixed' | 'text/cloud-config-archive'>;

export const partChecks: Record<SimpleKind, Check> = {
  'text/cloud-config': (text, remarks, schema) => {
    checkCloudConfig(text, schema, remarks);
  },
  'text/cloud-config-jsonp': checkJsonPatch,
  'text/x-shellscript': checkScript,
  'text/x-shellscript-per-boot': checkScript,
  'text/x-shellscript-per-instance': checkScript,
  'text/x-shellscript-per-once': checkScript,
  'text/x-include-url': checkInclude,
  'text/x-include-once-url': checkInclude,
  'text/cloud-boothook': checkBoothook,
  'text/upstart-job': (_text, remarks) => {
    remarks.warning({
      line: 1,
      message: 'is for Upstart, which cloud-init has not known since 22.2: it has no effect',
    });
  },
  'text/part-handler': checkPartHandler,
  'text/jinja2': checkJinja,
};

function checkScript(text: string, remarks: Remarks): void {
  if (text.startsWith('#!')) return;
  remarks.fault({ line: 1, column: 1, message: 'is a script, and its first line does not begin with #!' });
}

/** cloud-init takes its own first line away and runs the rest. */
function checkBoothook(text: string, remarks: Remarks): void {
  const script = text.replace(/^#cloud-boothook[^\S\n]*\n?/i, '').trimStart();
  if (script.startsWith('#!')) return;
  remarks.fault({
    line: 2,
    column: 1,
    message: 'is run as a script, and does not begin with #! after #cloud-boothook',
  });
}

const includeProtocols = new Set(['http:', 'https:', 'file:']);

function checkInclude(text: string, remarks: Remarks): void {
  const urls = text.split(/\r?\n/).map((line) => line.replace(/^#include(-once)?/i, '').trim());
  const given = urls
    .map((url, index) => ({ url, line: index + 1 }))
    .filter(({ url }) => url !== '' && !url.startsWith('#'));
  if (given.length === 0) remarks.fault({ line: 1, message: 'includes nothing: give a URL in each line' });
  for (const { url, line } of given) {
    const isUrl = URL.canParse(url) && includeProtocols.has(new URL(url).protocol);
    if (!isUrl)
      remarks.fault({ line, message: `${JSON.stringify(url.slice(0, 80))} is no URL that can be included` });
  }
}

function checkPartHandler(text: string, remarks: Remarks): void {
  for (const name of ['list_types', 'handle_part']) {
    if (text.includes(`def ${name}(`)) continue;
    remarks.warning({ line: 1, message: `has no function ${name}, which cloud-init calls` });
  }
}

function checkJsonPatch(text: string, remarks: Remarks): void {
  try {
    if (Array.isArray(JSON.parse(text.replace(/^\s*#cloud-config-jsonp/i, '')))) return;
    remarks.fault({ line: 2, message: 'is no JSON patch: that is a list of operations' });
  } catch (error) {
    remarks.fault({ line: 2, message: `is no JSON: ${(error as Error).message}` });
  }
}

/** The rest is known only to the instance, which fills it in. */
function checkJinja(text: string, remarks: Remarks): void {
  if (!text.toLowerCase().startsWith('## template: jinja')) {
    remarks.fault({ line: 1, message: 'does not begin with ## template: jinja' });
    return;
  }
  const kind = kindOfText(text.slice(text.indexOf('\n') + 1));
  if (kind !== null) return;
  remarks.fault({ line: 2, message: 'does not say what it is a template of: #cloud-config or #!' });
}
