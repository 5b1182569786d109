const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/**
 * A size for people.
 *
 * @example formatBytes(1536) // '1.5 KiB'
 */
export const formatBytes = (bytes: number): string => {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, Math.abs(bytes))) / 10)));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? Math.round(value) : value.toFixed(value < 10 ? 1 : 0)} ${UNITS[power]}`;
};

/**
 * A duration for people.
 *
 * @example formatDuration(75_300) // '1 min 15 s'
 */
export const formatDuration = (ms: number): string => {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
};

/**
 * A command as a line that can be pasted into a POSIX shell.
 *
 * @example formatCommand(['git', 'commit', '-m', "it's"]) // git commit -m 'it'\''s'
 */
export const formatCommand = (command: readonly string[]): string =>
  command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
