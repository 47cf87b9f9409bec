/**
 * What machines talk to before they run an operating system: a TFTP server whose files are made when asked for, the boot
 * decision per MAC as files of pxelinux and GRUB, and DHCP (the site's own, or a supervised dnsmasq).
 */
export { bootFiles, type BootFilesOptions, type NetworkBoot } from './boot-files.js';
export { isOptionalFile, type Loader, macOfConfiguration } from './configuration-names.js';
export { biosLoader, debianLoaderDirectories, uefiLoader } from './loader-files.js';
export { bufferContent, fileContent, type TftpContent } from './tftp/content.js';
export type { TftpEvent } from './tftp/events.js';
export type { TftpHandler, TftpRequest } from './tftp/read-session.js';
export { TftpServer, type TftpServerOptions } from './tftp/server.js';
export { bootModeOfArchitecture } from './dhcp/boot-programs.js';
export { DhcpServer, type DhcpServerOptions } from './dhcp/dhcp-server.js';
export type { DhcpEvent } from './dhcp/log-parser.js';
export type { DhcpMode, DhcpReservation, DhcpSettings } from './dhcp/settings.js';
export { siteDhcpOptions, type SiteDhcpOptions } from './dhcp/site-options.js';
