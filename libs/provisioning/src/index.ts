/**
 * The engine. *Spawning* and *verbs* are what people ask for, *callbacks* what machines tell, *netbooting* what machines are given, and the
 * *conductor* does the work between: one file per working state in steps/, one entry per stage of the life cycle.
 */
export type { Asker } from './asker.js';
export { Bmc } from './bmc.js';
export { Callbacks, type Notify } from './callbacks.js';
export { Conductor } from './conductor.js';
export { ConfigDrives } from './configuring/config-drives.js';
export { GivenDrives } from './configuring/given-drives.js';
export { Configuring, type WantedConfiguration } from './configuring/configuring.js';
export { InstallerTexts } from './configuring/installer-texts.js';
export { InstanceDocuments } from './configuring/instance-documents.js';
export { Settling } from './configuring/settling.js';
export type { RenderedDocument } from './configuring/rendered-document.js';
export { Rendering } from './configuring/rendering.js';
export { ConsoleCapture } from './console-capture.js';
export { DiskWrites, type DiskWriteStanding } from './disk-writes.js';
export { Doctor, type Diagnosis } from './doctor/doctor.js';
export { createConductor } from './engine.js';
export { Housekeeping } from './housekeeping.js';
export { HandOver } from './hand-over.js';
export { allMethods } from './methods/all-methods.js';
export { InstallMethods } from './methods/install-methods.js';
export { type InstallerFile, installerFiles } from './methods/install-method.js';
export { AnswerChecks } from './netinstall/answer-checks.js';
export { AnswerFiles } from './netinstall/answer-files.js';
export { sampleAnswerValues } from './netinstall/answer-values.js';
export { Netbooting } from './netbooting.js';
export { OperatorCalls } from './operator-calls.js';
export { PoolKeeper } from './pool-keeper.js';
export { PowerSync } from './power-sync.js';
export { type AdoptRequest, Spawning, type SpawnRequest } from './spawning.js';
export { SshGreetings } from './ssh-greetings.js';
export { previewOf, type SpawnPreview } from './spawn-preview.js';
export { type WhyAnswer, Why, whyManual, whyRules } from './why/index.js';
export { type PowerVerbName, powerVerbs, type Target, Verbs } from './verbs.js';
export { Webhook } from './webhook.js';
