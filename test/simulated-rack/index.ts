/**
 * A simulated rack: hundreds to thousands of machines in one process that speak the real protocol to a real controller: TFTP,
 * HTTP, notify, and power through a driver of their own. There is no DHCP, no kernel and no disk: what a kernel leads to (our live
 * image, an installer, an OS in memory) is read off its command line. It is a tool of tests and benchmarks, and of nothing else: the
 * product neither knows it nor has a setting for it.
 *
 * Each machine has a loopback address of its own, so that the controller tells them apart; keeps the truth (power, what is on its
 * disk, who runs on it) for a test to judge by; and behaves as it is told, which may change while it runs.
 * Words: *moment* (a point in the life of a machine that is on), *fault* (what goes wrong at which moment), *truth*.
 */
export {
  type Behaviour,
  type BmcFault,
  type Fault,
  type Fetching,
  type Moment,
  moments,
} from './behaviour.js';
export { ControllerProcess, type ControllerProcessOptions } from './controller-process.js';
export { enrol, simulatedType, untilInState } from './enrolment.js';
export { importFor, importImage, type SimulatedMethod } from './catalogue.js';
export { Operator } from './operator.js';
export { RemotePowerDriver } from './remote-power-driver.js';
export { PowerSocket } from './power-socket.js';
export { type BmcCommand, SimulatedBmc } from './simulated-bmc.js';
export { SimulatedMachine } from './simulated-machine.js';
export { SimulatedPowerDriver } from './simulated-power-driver.js';
export { SimulatedRack, type SimulatedRackOptions, type Slot } from './simulated-rack.js';
export type { Disk, InstalledOs, Inside, Installation, Truth } from './truth.js';
export { type Hooks, MachineBody, type PowerCommandHook, type WordHook } from './machine-body.js';
