/**
 * The engine. *Verbs* are what people ask for, *callbacks* what machines tell, *netbooting* what machines are given, and the
 * *conductor* does the work between: one file per working state in steps/, one entry per stage of the life cycle.
 */
export { Bmc } from './bmc.js';
export { Callbacks, type Notify } from './callbacks.js';
export { Conductor } from './conductor.js';
export { createConductor } from './engine.js';
export { Netbooting, type ScriptName, scriptNames } from './netbooting.js';
export { type Asker, type PowerVerbName, powerVerbs, type SpawnRequest, Verbs } from './verbs.js';
