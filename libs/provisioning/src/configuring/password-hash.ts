import { DomainError } from '#core';
import type { ProcessRunner } from '#platform';

const timeoutMs = 10_000;

/**
 * SHA-512 crypt with a salt of its own: crypt(5), `$6$`; every OS of the last fifteen years knows it, which yescrypt cannot say. The
 * password is read from standard input: arguments are for everybody to see.
 */
export async function hashPassword(runner: ProcessRunner, password: string): Promise<string> {
  const { exitCode, stdout, stderr } = await runner.run('openssl', ['passwd', '-6', '-stdin'], {
    input: `${password}\n`,
    timeoutMs,
  });
  const hash = stdout.trim();
  if (exitCode === 0 && hash.startsWith('$6$')) return hash;
  throw new DomainError('internal', `openssl made no hash of the password: ${stderr.trim()}`, {
    remedy: 'Run `openssl passwd -6` on the controller; or give passwordHash instead.',
  });
}
