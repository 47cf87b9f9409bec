/** The files of one content, and what is known of the images that are made of it. */
export interface Cached {
  sha256: string;
  bytes: number;
  /** Of its images; none: files that no image is made of. */
  names: readonly string[];
  /** One of its images was sent: it cannot be fetched again. */
  isOriginal: boolean;
  /** An instance that is not deleted was made from it, or a pool is. */
  isInUse: boolean;
  unusedSince: Date;
}

/** What the cache may keep, and for how long. */
export interface CachePolicy {
  removeUnused: boolean;
  /** How long an image that can be fetched again stays without use. */
  unusedMs: number;
  /** How long files that no image is made of stay. */
  strayMs: number;
  /** undefined: as much as the disk holds. */
  maxBytes: number | undefined;
}

export interface Removal {
  cached: Cached;
  /** For the log and the timeline: `it was not used for 25 hours`. */
  reason: string;
}

/** What has to go now: what was unused for too long; then the longest unused, until the rest is within the limit. */
export function removals(all: readonly Cached[], policy: CachePolicy, now: Date): Removal[] {
  const unused = policy.removeUnused ? all.filter((each) => isTooOld(each, policy, now)) : [];
  const rest = all.filter((each) => !unused.includes(each));
  const limit = policy.maxBytes ?? Number.POSITIVE_INFINITY;
  return [
    ...unused.map((cached) => ({ cached, reason: whyOld(cached, now) })),
    ...leastUsed(rest, sizeOf(rest) - limit, 'the cache is larger than its limit'),
  ];
}

/** The longest unused, together at least so many bytes; all that may go when those are fewer. */
export function leastUsed(all: readonly Cached[], bytes: number, reason: string): Removal[] {
  const candidates = all.filter(mayGo).sort((a, b) => a.unusedSince.getTime() - b.unusedSince.getTime());
  let missing = bytes;
  return candidates.flatMap((cached) => {
    if (missing <= 0) return [];
    missing -= cached.bytes;
    return [{ cached, reason: `${reason}, and it is the one that was not used for longest` }];
  });
}

export function sizeOf(all: readonly Cached[]): number {
  return all.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Of files that no image is made of one cannot know that they were not sent a moment ago. */
function mayGo({ names, isOriginal, isInUse }: Cached): boolean {
  return names.length > 0 && !isOriginal && !isInUse;
}

function isTooOld(cached: Cached, { unusedMs, strayMs }: CachePolicy, now: Date): boolean {
  const ageMs = now.getTime() - cached.unusedSince.getTime();
  return cached.names.length === 0 ? ageMs >= strayMs : mayGo(cached) && ageMs >= unusedMs;
}

function whyOld({ names, unusedSince }: Cached, now: Date): string {
  const hours = Math.floor((now.getTime() - unusedSince.getTime()) / 3_600_000);
  return names.length === 0
    ? 'no image is made of it any more'
    : `it was not used for ${hours} hours, and can be fetched again`;
}
