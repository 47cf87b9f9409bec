/** As cloud-init reads it: names of mergers with their settings, joined by plus signs. */
const mergerPattern = /^\s*(list|dict|str)\s*\(([a-z_,\s]*)\)\s*$/i;

/** What is wrong with a Merge-Type such as `list(append)+dict(recurse_array)+str()`; null: nothing. */
export function mergeTypeFault(mergeType: string): string | null {
  const wrong = mergeType.split('+').find((merger) => !mergerPattern.test(merger));
  if (wrong === undefined) return null;
  return `has the merge type ${JSON.stringify(wrong.trim())}: list(…), dict(…) and str(…) are joined by +`;
}
