/**
 * The error catalogue: every error dodai raises on purpose. The code is what programs match on, the message
 * says what was asked and what was found, the remedy what to do next. Whether the caller may simply try again
 * is a property of the code. Nothing here knows HTTP: the API's error filter maps codes to statuses.
 */
const catalogue = {
  'invalid-request': { retryable: false },
  'not-found': { retryable: false },
  'token-missing': { retryable: false },
  'token-invalid': { retryable: false },
  'request-too-large': { retryable: false },
  internal: { retryable: true },
  'shutting-down': { retryable: true },

  'configuration-invalid': { retryable: false },
  'data-directory-in-use': { retryable: false },
  'database-unavailable': { retryable: true },
  'program-missing': { retryable: false },
  'program-not-started': { retryable: true },
  'secret-unreadable': { retryable: false },

  'machine-not-found': { retryable: false },
  'machine-duplicate': { retryable: false },
  'machine-in-use': { retryable: false },
  'machine-unavailable': { retryable: true },
  'import-invalid': { retryable: false },
  'verb-not-allowed': { retryable: false },
  'machine-locked': { retryable: false },
  'machine-in-maintenance': { retryable: false },
  'state-changed': { retryable: true },

  'cluster-not-found': { retryable: false },
  'cluster-vlan-mismatch': { retryable: false },
  'pool-image-missing': { retryable: false },

  'image-not-found': { retryable: false },
  'image-duplicate': { retryable: false },
  'image-in-use': { retryable: false },
  'image-too-large': { retryable: false },
  'image-unsuitable': { retryable: false },
  'answer-file-invalid': { retryable: false },
  'install-method-forbidden': { retryable: false },
  'image-checksum-mismatch': { retryable: false },
  'image-invalid': { retryable: false },
  'image-signature-invalid': { retryable: false },
  'image-url-refused': { retryable: false },
  'image-download-failed': { retryable: true },
  'upload-incomplete': { retryable: true },
  'upload-not-found': { retryable: false },
  'image-cache-full': { retryable: false },
  'disk-full': { retryable: false },
  'disk-not-written': { retryable: true },

  'instance-type-not-found': { retryable: false },
  'instance-type-duplicate': { retryable: false },
  'instance-type-in-use': { retryable: false },
  'instance-not-found': { retryable: false },
  'instance-failed': { retryable: false },
  'instance-differs': { retryable: false },
  'address-in-use': { retryable: false },
  'idempotency-key-reused': { retryable: false },
  'wait-timeout': { retryable: true },

  'user-data-invalid': { retryable: false },
  'user-data-too-large': { retryable: false },
  'cloud-config-schema-unreadable': { retryable: false },
  'user-data-item-not-found': { retryable: false },
  'user-data-item-in-use': { retryable: false },

  'notify-forbidden': { retryable: false },
  'notify-unknown-state': { retryable: false },
  'notify-out-of-order': { retryable: false },
  'not-in-pool': { retryable: false },

  'installer-failed': { retryable: true },
  'operator-failed': { retryable: true },
  'webhook-not-delivered': { retryable: true },
  'deadline-expired': { retryable: true },
  aborted: { retryable: false },
  'not-wiped': { retryable: false },

  'bmc-no-answer': { retryable: true },
  'bmc-unreachable': { retryable: false },
  'bmc-busy': { retryable: true },
  'bmc-wrong-credentials': { retryable: false },
  'bmc-privilege': { retryable: false },
  'bmc-wrong-cipher-suite': { retryable: false },
  'bmc-refused': { retryable: false },
  'bmc-state-not-reached': { retryable: true },
  'bmc-answer-unknown': { retryable: false },
  'console-taken': { retryable: true },
  'console-lost': { retryable: true },

  'template-parameter': { retryable: false },
  'template-invalid': { retryable: false },

  'port-not-bound': { retryable: false },
  'dhcp-configuration': { retryable: false },
  'program-died': { retryable: true },

  'controller-unreachable': { retryable: true },
} as const satisfies Record<string, { retryable: boolean }>;

export type ErrorCode = keyof typeof catalogue;

export const errorCodes = Object.keys(catalogue) as ErrorCode[];

export interface DomainErrorOptions {
  /** Facts for programs and logs; never a secret. */
  context?: Record<string, unknown>;
  /** What to do next, as a sentence for the person who reads it. */
  remedy?: string;
  cause?: unknown;
}

/** The only error that dodai's own code throws. */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly context: Record<string, unknown>;
  readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, options: DomainErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = catalogue[code].retryable;
    this.context = options.context ?? {};
    this.remedy = options.remedy;
  }
}
