/**
 * What an instance is told about itself: the documents that cloud-init and older guest scripts read, in every form (config drive,
 * metadata service, NoCloud), all made from one description of the instance.
 */
export * from './described-instance.js';
export { configDriveFolder } from './documents/config-drive-documents.js';
export * from './documents/document-tree.js';
export { ec2Folder } from './documents/ec2-documents.js';
export { noCloudFolder } from './documents/nocloud-documents.js';
export { openStackFolder } from './documents/openstack-documents.js';
export { serviceFolder } from './documents/service-documents.js';
export { vendorFolder } from './documents/vendor-documents.js';
export { networkConfig } from './network/network-config.js';
export { networkData } from './network/network-data.js';
export * from './network/resolved-network.js';
export * from './user-data/index.js';
export { ConfigDriveWriter } from './config-drive/config-drive-writer.js';
export {
  type DriveForm,
  driveForm,
  type DriveFormat,
  driveFormats,
  maxDriveBytes,
} from './config-drive/drive-form.js';
export { checkDriveSize } from './config-drive/drive-size.js';
export { unpackedDrive } from './config-drive/packed-drive.js';
export { type ReadyConfigDrive, ReadyConfigDrives } from './config-drive/ready-config-drives.js';
