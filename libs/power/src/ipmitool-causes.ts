import type { ErrorCode } from '#core';
import type { BmcAddress } from './power-driver.js';

/** Why ipmitool failed. */
export interface Cause {
  code: ErrorCode;
  /** Whether the order may have reached the machine all the same. */
  executed: false | 'unknown';
  /** What was found, to follow "BMC X was asked to Y: ". */
  found: (bmc: BmcAddress) => string;
  remedy: string;
}

const openSession = String.raw`(?:Error in open session response message|RAKP [24] message indicates an error) : `;
const refusal = String.raw`(?:Set Chassis .*|Set Session Privilege Level to .*|Get Chassis Power Status) failed: `;

/**
 * Told apart by ipmitool's words, printed with -v: its exit code says only success or failure, and not even that for a boot device.
 * The first that fits counts; the words of the session come before what merely follows from them.
 * The first group of a pattern, where there is one, is the BMC's own word.
 */
export const causes: readonly (Cause & { pattern: RegExp })[] = [
  {
    pattern: /Address lookup for .* failed|Could not open socket/,
    code: 'bmc-unreachable',
    executed: false,
    found: () => 'its name or address leads nowhere from this host',
    remedy: 'check the BMC address of the machine, and name resolution and routes on this host',
  },
  {
    pattern: new RegExp(`${openSession}(insufficient resources for .*)`),
    code: 'bmc-busy',
    executed: false,
    found: () => 'it has no session left',
    remedy:
      'wait until its sessions have ended; when it stays so, end them or restart the BMC in its own console',
  },
  {
    pattern:
      /RAKP 2 HMAC is invalid|invalid integrity check value|password is longer than|Password is too long/,
    code: 'bmc-wrong-credentials',
    executed: false,
    found: ({ user }) => `it does not accept the password of the user ${user}`,
    remedy: 'correct the BMC password of the machine (at most 20 bytes)',
  },
  {
    pattern: new RegExp(`${openSession}(unauthorized name|invalid name length)|Username is too long`),
    code: 'bmc-wrong-credentials',
    executed: false,
    found: ({ user }) => `it does not know the user ${user}`,
    remedy: 'correct the BMC user of the machine (at most 16 bytes), or enable it on the BMC',
  },
  {
    pattern: new RegExp(`${openSession}(unauthorized role requested|invalid role)`),
    code: 'bmc-privilege',
    executed: false,
    found: ({ user, privilege = 'ADMINISTRATOR' }) => `it denies the user ${user} the privilege ${privilege}`,
    remedy: 'give the user the privilege ADMINISTRATOR on the BMC, or set the lower one it has',
  },
  {
    pattern: /failed: (Insufficient privilege level)|Set Session Privilege Level to .* failed: (.*)/,
    code: 'bmc-privilege',
    executed: false,
    found: ({ user }) => `the privilege of the user ${user} is too low`,
    remedy: 'give the user the privilege OPERATOR or ADMINISTRATOR on the BMC',
  },
  {
    pattern: new RegExp(`${openSession}((?:invalid|no matching) .*(?:algorithm|cipher suite|payload).*)`),
    code: 'bmc-wrong-cipher-suite',
    executed: false,
    found: ({ cipherSuite }) => `it does not offer cipher suite ${cipherSuite}`,
    remedy: 'set the other cipher suite, 3 or 17, for the machine, or allow it on the BMC',
  },
  {
    pattern: /SOL payload (already active on another session|activation limit reached)/,
    code: 'console-taken',
    executed: false,
    found: () => 'another session holds it',
    remedy: 'end the other session (ipmitool sol deactivate), or look at the console there',
  },
  {
    pattern: /(SOL payload disabled|cannot activate SOL payload with.*)|Error activating SOL payload: (.*)/,
    code: 'bmc-refused',
    executed: false,
    found: () => 'it refused',
    remedy: 'enable serial over LAN on the BMC, for its user as well, and the serial console in the firmware',
  },
  {
    pattern: /(No response to keepalive|SOL session closed by BMC|Error in SOL session)/,
    code: 'console-lost',
    executed: 'unknown',
    found: () => 'the session broke off',
    remedy: 'nothing, when it is opened again; restart the BMC when it keeps happening',
  },
  {
    pattern: new RegExp(`${refusal}(Node busy|Timeout|Out of space|.*update mode|.*initialization.*)`),
    code: 'bmc-busy',
    executed: false,
    found: () => 'it is busy',
    remedy: 'try again later',
  },
  {
    pattern: new RegExp(`${refusal}(.*)`),
    code: 'bmc-refused',
    executed: false,
    found: () => 'it refused',
    remedy: 'do it in the console of the BMC; what it refuses there as well, this model cannot do',
  },
  {
    pattern: /(does not support IPMI v2)/,
    code: 'bmc-refused',
    executed: false,
    found: () => 'it does not speak IPMI 2.0',
    remedy: 'enable IPMI 2.0 (RMCP+) on the BMC, or update its firmware',
  },
  {
    pattern: /Unable to establish IPMI/,
    code: 'bmc-no-answer',
    executed: false,
    found: () => 'it did not answer',
    remedy:
      'check that the BMC has power and network, that IPMI over LAN is enabled, and that UDP reaches the port',
  },
  {
    pattern: /Unable to (?:set|get) Chassis|[Nn]o response/,
    code: 'bmc-no-answer',
    executed: 'unknown',
    found: () => 'it stopped answering after login',
    remedy: 'look at the power state before asking again; restart the BMC when it keeps happening',
  },
];

export const hung: Cause = {
  code: 'bmc-no-answer',
  executed: 'unknown',
  found: () => 'it gave no whole answer in time',
  remedy: 'look at the power state before asking again; restart the BMC when it keeps happening',
};

export const unknown: Cause = {
  code: 'bmc-answer-unknown',
  executed: 'unknown',
  found: () => 'its answer was not understood',
  remedy: 'run the same ipmitool command by hand, and report what it prints',
};
