import { formatDuration } from '../log/index.ts';
import { failed, ok, warning } from './finding.ts';
import type { Finding } from './types.ts';

/** A `Date` header counts whole seconds, and the answer took its time. */
const LITTLE_MS = 5_000;
/** Signatures, certificates and ages of builds are judged by clocks. */
const MUCH_MS = 120_000;

const FIX = 'One of the two clocks is wrong; let both machines set theirs: timedatectl set-ntp true';

/**
 * Compares the server's clock with this machine's.
 *
 * @param date the `Date` header of the answer
 * @param sentMs when the question was sent, by this machine's clock, in milliseconds since 1970
 * @param receivedMs when the answer came
 */
export const compareClocks = (date: string | undefined, sentMs: number, receivedMs: number): Finding => {
  const serverMs = Date.parse(date ?? '');
  if (Number.isNaN(serverMs)) return warning('the web server does not say what time it is (no Date header)');
  // It may have been written at any moment between, and up to a second later.
  const early = Math.max(0, sentMs - 1000 - serverMs);
  const late = Math.max(0, serverMs - receivedMs);
  const offMs = Math.max(early, late);
  const words = `${formatDuration(offMs)} ${late > 0 ? 'ahead of' : 'behind'} this machine`;
  if (offMs >= MUCH_MS) return failed(`the server's clock is ${words}`, FIX);
  if (offMs >= LITTLE_MS) return warning(`the server's clock is ${words}`, FIX);
  return ok("the server's clock and this machine's agree");
};
