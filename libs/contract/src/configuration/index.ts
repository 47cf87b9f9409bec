export * from './configuration.js';
export { type NetworkFault, networkFaults } from './network-faults.js';
export { partFields } from './user-data.js';
