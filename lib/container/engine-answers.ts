const withoutAlgorithm = (digest: string): string => digest.replace(/^sha256:/, '');

/**
 * Parses the lines that `image inspect --format '{{json .RootFS.Layers}}'` prints, one per image; an image without layers is `null`.
 *
 * @example parseDiffIds('["sha256:4a47…"]\nnull') // [['4a47…'], []]
 */
export const parseDiffIds = (lines: string): string[][] =>
  lines
    .split('\n')
    // podman and docker print an empty list or line for what they do not know.
    .filter((line) => line.startsWith('["') || line === 'null' || line === '[]')
    .map((line) => ((JSON.parse(line) as string[] | null) ?? []).map(withoutAlgorithm));
