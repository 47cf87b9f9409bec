import type { ErrorCode } from '#core';

/** The HTTP status of every error: the only place that knows both. */
export const statusOfCode: Record<ErrorCode, number> = {
  'invalid-request': 400,
  'not-found': 404,
  'token-missing': 401,
  'token-invalid': 401,
  'request-too-large': 413,
  internal: 500,
  'shutting-down': 503,

  'configuration-invalid': 500,
  'data-directory-in-use': 500,
  'database-unavailable': 503,
  'program-missing': 500,
  'program-not-started': 500,
  'secret-unreadable': 500,
  'port-not-bound': 500,
  'dhcp-configuration': 500,
  'program-died': 500,

  'machine-not-found': 404,
  'machine-duplicate': 409,
  'machine-in-use': 409,
  'machine-unavailable': 409,
  'import-invalid': 422,
  'verb-not-allowed': 409,
  'machine-locked': 409,
  'machine-in-maintenance': 409,
  'state-changed': 409,

  'cluster-not-found': 404,
  'cluster-vlan-mismatch': 409,
  'pool-image-missing': 409,

  'image-not-found': 404,
  'image-duplicate': 409,
  'image-in-use': 409,
  'image-too-large': 422,
  'image-checksum-mismatch': 422,
  'image-invalid': 422,
  'upload-incomplete': 400,
  'disk-full': 507,

  'instance-type-not-found': 404,
  'instance-type-duplicate': 409,
  'instance-type-in-use': 409,
  'instance-not-found': 404,
  'instance-failed': 409,
  'idempotency-key-reused': 409,
  'wait-timeout': 504,

  'notify-forbidden': 403,
  'notify-unknown-state': 400,
  'notify-out-of-order': 409,

  'installer-failed': 409,
  'deadline-expired': 409,
  aborted: 409,
  'not-wiped': 409,

  'bmc-no-answer': 502,
  'bmc-unreachable': 502,
  'bmc-busy': 503,
  'bmc-wrong-credentials': 502,
  'bmc-privilege': 502,
  'bmc-wrong-cipher-suite': 502,
  'bmc-refused': 502,
  'bmc-state-not-reached': 502,
  'bmc-answer-unknown': 502,
  'console-taken': 502,
  'console-lost': 502,

  'template-parameter': 500,
  'template-invalid': 500,

  'controller-unreachable': 502,
};
