/** The duration give or take half of it, at random: many that begin to wait together do not wake together. */
export function jitter(durationMs: number): number {
  return durationMs * (0.5 + Math.random());
}
