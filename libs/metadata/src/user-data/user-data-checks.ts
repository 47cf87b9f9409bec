import type { UserData, UserDataPart } from '#core';
import { checkUserData, checkUserDataParts } from './check-user-data.js';
import { CloudConfigSchema } from './cloud-config/cloud-config-schema.js';
import type { UserDataContext } from './filled-parts.js';
import type { Finding, Findings } from './finding.js';
import { type CloudConfigPolicy, judged } from './policy.js';
import { sampleContext } from './sample-context.js';

export interface CloudConfigSettings {
  /** Path of the JSON schema. */
  schema: string;
  policy: CloudConfigPolicy;
}

/**
 * Refuses user data that cloud-init could not use, by the site's policy. Each method answers the warnings that are left, and throws
 * DomainError `user-data-invalid`, or `cloud-config-schema-unreadable`. `known`: what is known of the instance already.
 */
export class UserDataChecks {
  private read: Promise<CloudConfigSchema> | undefined;

  constructor(private readonly settings: CloudConfigSettings) {}

  async userData(
    userData: UserData,
    field: string,
    known: Partial<UserDataContext> = {},
  ): Promise<Finding[]> {
    return this.judged(await checkUserData(userData, await this.schema(), sampleContext(known)), field);
  }

  /** Of vendor data, or of the library. */
  async parts(
    parts: UserDataPart[],
    field: string,
    known: Partial<UserDataContext> = {},
  ): Promise<Finding[]> {
    return this.judged(await checkUserDataParts(parts, await this.schema(), sampleContext(known)), field);
  }

  private judged(findings: Findings, field: string): Finding[] {
    return judged(findings, this.settings.policy, field);
  }

  /** null: the policy is not to ask it. Read once, and again only after it could not be. */
  private async schema(): Promise<CloudConfigSchema | null> {
    if (this.settings.policy === 'off') return null;
    this.read ??= CloudConfigSchema.read(this.settings.schema);
    try {
      return await this.read;
    } catch (error) {
      this.read = undefined;
      throw error;
    }
  }
}
