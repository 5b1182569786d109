/** Progress lines of the entry points: stderr, with the seconds since the start, so that a log shows where time goes. */

const startMs = performance.now();

/**
 * Prints one progress line to stderr.
 * @param message text without a line end
 */
export function log(message: string): void {
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1).padStart(5);
  process.stderr.write(`[${seconds}s] ${message}\n`);
}
