import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { asGiven, clearable, wholeNumber, withNulls } from './option-values.js';

describe('an option that may be emptied', () => {
  const optionsOf = (...args: string[]) => {
    const command = new Command()
      .option('--ip <ip>', '', clearable(asGiven))
      .option('--vlan <id>', '', clearable(wholeNumber));
    return withNulls(command.parse(args, { from: 'user' }).opts());
  };

  it('is null for "none", and else what it says', () => {
    expect(optionsOf('--ip', 'none', '--vlan', '12')).toEqual({ ip: null, vlan: 12 });
  });

  it('is not there when it is not given', () => {
    expect(optionsOf()).toEqual({});
  });
});
