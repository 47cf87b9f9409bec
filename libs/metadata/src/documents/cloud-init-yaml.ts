import { stringify } from 'yaml';

/**
 * YAML for cloud-init, which reads version 1.1: there `52:54:00:00:00:01` is a number to the base of 60, and `no` is false. So every
 * string is in quotes.
 */
export const cloudInitYaml = (value: unknown): string =>
  stringify(value, {
    version: '1.1',
    lineWidth: 0,
    aliasDuplicateObjects: false,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
  });
