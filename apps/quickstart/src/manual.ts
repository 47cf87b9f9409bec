import { lifecycleDiagram } from '#core';
import { siteDhcpOptions } from '#netboot';
import { configSchema } from '#platform';
import { whyManual } from '#provisioning';
import { z } from 'zod';
import { verbTable } from './verb-table.js';

/** The parts of README that follow from the code; tools/update-readme.mjs writes them, a test holds them true. */
export function manualSections(): Record<string, string> {
  return {
    'life cycle': fenced('mermaid', lifecycleDiagram()),
    verbs: markdownTable(verbTable.head, verbTable.rows),
    'dhcp options': dhcpOptions('192.0.2.10'),
    configuration: configurationTable(),
  };
}

/** Which parts of which file follow from the code. */
export function manuals(): Record<string, Record<string, string>> {
  return { 'README.md': manualSections(), 'docs/why.md': { 'why rules': whyManual() } };
}

/** A text with what stands between `<!-- name -->` and `<!-- /name -->` replaced. */
export function withSections(manual: string, sections: Record<string, string>): string {
  return Object.entries(sections).reduce((text, [name, content]) => {
    const between = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`);
    if (!between.test(text)) throw new Error(`there is no section <!-- ${name} -->`);
    return text.replace(
      between,
      (_all, opening: string, closing: string) => `${opening}\n${content}\n\n${closing}`,
    );
  }, manual);
}

const fenced = (language: string, text: string) => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;

function dhcpOptions(serverAddress: string): string {
  const { nextServer, tftpServerName, bootFiles, snippets } = siteDhcpOptions(serverAddress);
  const options = markdownTable(
    ['option', 'value'],
    [
      ['next-server (siaddr)', `\`${nextServer}\``],
      ['66, TFTP server name', `\`${tftpServerName}\``],
      ...bootFiles.map(({ bootMode, clientArchitectures, file }) => [
        `67, boot file name for ${bootMode === 'bios' ? 'BIOS' : 'UEFI'} (option 93: ${clientArchitectures.join(', ')})`,
        `\`${file}\``,
      ]),
    ],
  );
  const { dnsmasq, iscDhcpd, kea } = snippets;
  return [
    options,
    `dnsmasq:\n\n${fenced('', dnsmasq)}`,
    `ISC dhcpd:\n\n${fenced('', iscDhcpd)}`,
    `Kea:\n\n${fenced('', kea)}`,
  ].join('\n\n');
}

function configurationTable(): string {
  const { properties = {} } = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  const rows = Object.entries(properties).map(([name, property]): [string, string, string] => {
    const { description = '', default: fallback } = typeof property === 'object' ? property : {};
    const shown = typeof fallback === 'string' || typeof fallback === 'number' ? String(fallback) : '';
    return [`\`${name}\``, shown === '' ? '' : `\`${shown}\``, description.replaceAll('<', '\\<')];
  });
  return markdownTable(['variable', 'default', 'meaning'], rows);
}

/** Padded the way the formatter pads. */
function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
