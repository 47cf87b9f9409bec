export { userDataLimitBytes } from './assembled.js';
export { checkUserData } from './check-user-data.js';
export { CloudConfigSchema } from './cloud-config/cloud-config-schema.js';
export { userDataContext, type UserDataContext } from './filled-parts.js';
export { type Finding, findingInWords, type Findings } from './finding.js';
export { instanceData } from './instance-data.js';
export { kindOf, type UserDataKind } from './kinds.js';
export { sampleContext } from './sample-context.js';
export { type CloudConfigSettings, UserDataChecks } from './user-data-checks.js';
