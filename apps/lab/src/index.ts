/**
 * The lab: virtual racks for tests and quick starts. A rack is a network namespace with machines (QEMU, booting from
 * the network first) and a real IPMI BMC for each (OpenIPMI's ipmi_sim). Product code never imports it.
 */
export { Rack, type RackMachine } from './rack.js';
export { LabError } from './lab-error.js';
export type { MachineOptions } from './options.js';
