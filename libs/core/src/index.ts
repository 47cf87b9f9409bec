/**
 * What dodai is about, as pure TypeScript: the life cycle of a machine, the error catalogue and the domain
 * types. It imports nothing, so everything else may import it.
 */
export * from './configuration-layers.js';
export * from './connection-reason.js';
export * from './disk-layout.js';
export * from './disk-plan.js';
export * from './domain.js';
export * from './errors.js';
export * from './event-kinds.js';
export * from './guest-report.js';
export * from './image.js';
export * from './image-kinds.js';
export * from './install-methods.js';
export * from './instance-configuration.js';
export * from './layout-faults.js';
export * from './lifecycle.js';
export * from './lifecycle-diagram.js';
export * from './network-cards.js';
export * from './network-configuration.js';
export * from './verbs.js';
