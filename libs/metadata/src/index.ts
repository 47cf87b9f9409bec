/**
 * What an instance is told about itself: the documents that cloud-init and older guest scripts read, in every form (config drive,
 * metadata service, NoCloud), all made from one description of the instance.
 */
export * from './described-instance.js';
