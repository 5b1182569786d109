/** Number of insertions, deletions and replacements that turn `a` into `b` (Levenshtein). */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};

/**
 * The known name that someone may have meant by `name`, or undefined when none is near.
 *
 * @param limit how many typing mistakes are forgiven; default a third of the name's length
 * @example nearest('BUILDCACHE_SERVR', ['BUILDCACHE_SERVER', 'SIGNER']) // 'BUILDCACHE_SERVER'
 */
export const nearest = (
  name: string,
  known: readonly string[],
  limit = Math.ceil(name.length / 3),
): string | undefined => {
  const ranked = known
    // Each letter more or less is a mistake; most names of an environment are ruled out by that alone.
    .filter((candidate) => Math.abs(candidate.length - name.length) <= limit)
    .map((candidate) => ({ candidate, steps: distance(name.toUpperCase(), candidate.toUpperCase()) }))
    .sort((a, b) => a.steps - b.steps);
  const best = ranked[0];
  return best && best.steps <= limit ? best.candidate : undefined;
};
