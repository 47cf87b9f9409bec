export { userDataLimitBytes } from './assembled.js';
export { checkUserData, checkUserDataParts } from './check-user-data.js';
export { CloudConfigSchema } from './cloud-config/cloud-config-schema.js';
export { filledParts, type UserDataContext, userDataContext } from './filled-parts.js';
export { type Finding, findingInWords, type Findings } from './finding.js';
export { instanceData } from './instance-data.js';
export { kindOf, type UserDataKind } from './kinds.js';
export { type CloudConfigPolicy, judged } from './policy.js';
export { sampleContext } from './sample-context.js';
