import { createGit } from '../../git/index.ts';
import { combine, failed, ok, warning } from '../finding.ts';
import type { Check, CheckContext, Finding } from '../types.ts';

/** Slipway is younger than any time before. */
const FIRST_MS = Date.UTC(2026, 0, 1);
/** Commits made on another machine may be a little ahead of this one's clock. */
const LEEWAY_MS = 60_000;

const FIX = 'Let the machine set its clock: timedatectl set-ntp true (or: apt-get install systemd-timesyncd)';

const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** Time of the last commit of the checkout, in milliseconds; undefined where there is none. */
const commitTime = async ({ runner, cwd }: CheckContext): Promise<number | undefined> => {
  try {
    return (await createGit({ query: runner, effects: runner, cwd }).commitTime()) * 1000;
  } catch {
    return undefined;
  }
};

const timeFinding = async (context: CheckContext): Promise<Finding> => {
  const nowMs = context.now().getTime();
  if (nowMs < FIRST_MS) return failed(`the clock says ${iso(nowMs)}, which is long ago`, FIX);
  const commitMs = await commitTime(context);
  if (commitMs !== undefined && commitMs > nowMs + LEEWAY_MS) {
    return failed(`the clock says ${iso(nowMs)}, but the checkout's last commit is of ${iso(commitMs)}`, FIX);
  }
  return ok(iso(nowMs));
};

/** A name that no table of time zones knows counts as UTC, without a word. */
const zoneFinding = ({ env }: CheckContext): Finding => {
  const zone = env.TZ?.replace(/^:/, '') || Intl.DateTimeFormat().resolvedOptions().timeZone;
  // A rule, or a file, is taken as it is.
  if (/[/\d<]/.test(zone) && !/^[A-Z][\w+-]*(\/[\w+-]+)+$/i.test(zone)) return ok(`time zone ${zone}`);
  try {
    return ok(`time zone ${new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone}`);
  } catch {
    return warning(`TZ=${env.TZ} is no time zone that is known: programs take it for UTC`, 'export TZ=UTC');
  }
};

export const clock: Check = {
  name: 'clock',
  summary: 'time and time zone of this machine',
  async run(context) {
    context.doing('asking git for the time of the last commit');
    return combine([await timeFinding(context), zoneFinding(context)]);
  },
};
