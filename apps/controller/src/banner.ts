import type { Config } from '#platform';
import { siteDhcpOptions } from '#netboot';
import type { Listeners } from './controller.js';
import { firstTokenFile } from './first-token.js';

function dhcpLine({ dhcp, publicUrl }: Config): string {
  if (dhcp.mode !== 'off') return `${dhcp.mode} on ${dhcp.interface}`;
  const { nextServer, bootFiles } = siteDhcpOptions(new URL(publicUrl).hostname);
  return `off; set on the site's server: next-server ${nextServer}, filename ${bootFiles.map(({ bootMode, file }) => `${file} for ${bootMode}`).join(', ')}`;
}

/** What an operator needs to know of a controller that has just started. */
export function banner(
  config: Config,
  { httpPort, tftpPort, nginxPort, metadataPort, legacyMonitorPort }: Listeners,
): string {
  const { roles, http } = config;
  const host = http.host === '0.0.0.0' ? '127.0.0.1' : http.host;
  const lines: [string, string | undefined][] = [
    ['API', roles.has('api') ? `http://${host}:${httpPort}  (page: /docs)` : undefined],
    ['web UI', roles.has('api') ? `http://${host}:${httpPort}/ui/` : undefined],
    ['token', roles.has('api') ? firstTokenFile(config.dataDir) : undefined],
    ['roles', [...roles].join(', ')],
    ['data', config.dataDir],
    ['database', config.databaseUrl ? new URL(config.databaseUrl.reveal()).host : 'embedded PostgreSQL'],
    ['queue', config.redisUrl ? `Redis at ${new URL(config.redisUrl.reveal()).host}` : 'in the database'],
    ['machines', roles.has('boot') ? `come to ${config.publicUrl}` : undefined],
    ['images', nginxPort === undefined ? undefined : `sent by nginx, port ${nginxPort}`],
    ['TFTP', tftpPort === undefined ? undefined : `${config.tftp.host} port ${tftpPort}`],
    ['DHCP', roles.has('boot') ? dhcpLine(config) : undefined],
    ['metadata', metadataPort === undefined ? undefined : `${config.metadata.host} port ${metadataPort}`],
    ['monitor', legacyMonitorPort === undefined ? undefined : `port ${legacyMonitorPort}`],
  ];
  const shown = lines.filter((line): line is [string, string] => line[1] !== undefined);
  return ['dodai is ready', ...shown.map(([name, value]) => `  ${name.padEnd(9)} ${value}`)].join('\n');
}
