import { InstallMethods } from './install-methods.js';
import { Live, type LiveHost } from './live.js';
import { Manual } from './manual.js';
import { Netinstall, type NetinstallHost } from './netinstall.js';
import { Writing, type WritingHost } from './writing.js';

/** One of each, as the controller has them. */
export function allMethods(host: WritingHost & NetinstallHost & LiveHost): InstallMethods {
  return new InstallMethods([
    new Writing('copy', host),
    new Writing('image', host),
    new Writing('iscsi', host),
    new Netinstall(host),
    new Live(host),
    new Manual(host),
  ]);
}
