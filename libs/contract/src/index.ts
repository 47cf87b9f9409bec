/**
 * The REST API as it is on the wire: one zod schema for every body, query and view. The controller validates
 * with them, the OpenAPI document is generated from them, and clients take their types from here.
 */
export * from './configuration/index.js';
export * from './console.js';
export * from './disk-layout.js';
export * from './doctor.js';
export * from './documents.js';
export * from './event.js';
export { hostName, idOrName, uuid, uuidPrefix } from './fields.js';
export { type GuestReport, guestReport } from './guest-report.js';
export * from './health.js';
export * from './image.js';
export * from './image-install.js';
export * from './image-order.js';
export * from './image-standing.js';
export { installFacts } from './install-facts.js';
export * from './instance.js';
export * from './instance-type.js';
export * from './machine.js';
export * from './machine-import.js';
export * from './paging.js';
export * from './problem.js';
export * from './spawn.js';
export * from './sums.js';
export * from './user-data-item.js';
export * from './verbs.js';
export * from './why.js';
export * from './wipe.js';
export { parseZone, resourcePool, type Zone, zoneText } from './zone.js';
