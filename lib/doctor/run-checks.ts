import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatDuration } from '../log/index.ts';
import { createRunner } from '../process/index.ts';
import { failed, findingOf, skipped } from './finding.ts';
import {
  type Check,
  type CheckContext,
  type CheckReport,
  type DoctorReport,
  type Finding,
  type Machine,
  REPORT_SCHEMA,
} from './types.ts';

/** How the checks are run. */
export interface RunChecksOptions {
  /** Checks with `usesNetwork` are skipped. */
  readonly offline?: boolean;
  /** Aborting ends all checks. */
  readonly signal?: AbortSignal;
  /** Milliseconds for each check, instead of its own limit; for tests. */
  readonly limitMs?: number;
}

const DEFAULT_LIMIT_MS = 10_000;
/** A check that was told to stop gets so long to free what it took. */
const GRACE_MS = 3_000;
/** Programs get so long between SIGTERM and SIGKILL. */
const KILL_GRACE_MS = 500;

const usesNetwork = ({ usesNetwork = false }: Check, machine: Machine): boolean =>
  typeof usesNetwork === 'function' ? usesNetwork(machine) : usesNetwork;

const whySkipped = (check: Check, machine: Machine, { offline }: RunChecksOptions): Finding | undefined => {
  if (offline && usesNetwork(check, machine)) return skipped('--offline');
  if (check.needsSettings && !machine.settings) return skipped("the settings cannot be read; see the check 'settings'");
  return undefined;
};

interface Limit {
  readonly over: Promise<void>;
  /** Must be called: a timer that runs keeps the process. */
  clear(): void;
}

/** Settles after so many milliseconds, or when the signal is aborted. */
const timeAfter = (ms: number, signal?: AbortSignal): Limit => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const end = (): void => resolve();
  signal?.addEventListener('abort', end, { once: true });
  return {
    over: promise,
    clear() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
    },
  };
};

/** A folder for temporary files that appears when it is asked for. */
const createTemp = () => {
  let folder: Promise<string> | undefined;
  return {
    make: (): Promise<string> => (folder ??= mkdtemp(join(tmpdir(), 'slipway-doctor-'))),
    async remove() {
      const path = await folder?.catch(() => undefined);
      if (path !== undefined) await rm(path, { recursive: true, force: true }).catch(() => {});
    },
  };
};

/** Runs one check within its time; whatever it does, there is an answer. */
const runWithin = async (check: Check, machine: Machine, limitMs: number, outer?: AbortSignal) => {
  const controller = new AbortController();
  const signal = outer ? AbortSignal.any([outer, controller.signal]) : controller.signal;
  let waitingFor = '';
  const late = (): Finding =>
    failed(
      `no answer within ${formatDuration(limitMs)}${waitingFor ? ` while ${waitingFor}` : ''}`,
      'Something there hangs: it neither answers nor refuses. A step would wait for it, too.',
    );
  const temp = createTemp();
  const context: CheckContext = {
    ...machine,
    signal,
    runner: createRunner({ cwd: machine.cwd, env: machine.env, signal, killGraceMs: KILL_GRACE_MS }),
    makeTemp: temp.make,
    doing: (what) => {
      waitingFor = what;
    },
  };
  const limit = timeAfter(limitMs, outer);
  let isLate = false;
  const work = (async () => check.run(context))().catch((error: unknown) => (isLate ? late() : findingOf(error)));
  try {
    const inTime = await Promise.race([work, limit.over]);
    if (inTime !== undefined) return inTime;
    isLate = true;
    controller.abort(new Error('the time of the check is over'));
    const grace = timeAfter(GRACE_MS);
    // It frees what it took; what it says now is that it was stopped.
    await Promise.race([work, grace.over]);
    grace.clear();
    return late();
  } finally {
    limit.clear();
    await temp.remove();
  }
};

const runOne = async (check: Check, machine: Machine, options: RunChecksOptions): Promise<CheckReport> => {
  const startedMs = performance.now();
  const report = (finding: Finding): CheckReport => ({
    name: check.name,
    ...finding,
    durationMs: Math.round(performance.now() - startedMs),
  });
  const skip = whySkipped(check, machine, options);
  if (skip) return report(skip);
  const limitMs = options.limitMs ?? check.limitMs ?? DEFAULT_LIMIT_MS;
  return report(await runWithin(check, machine, limitMs, options.signal));
};

/**
 * Runs checks side by side, each within its time. A check that throws or hangs is reported and stops no other one.
 *
 * @param checks reported in this order
 */
export const runChecks = async (
  checks: readonly Check[],
  machine: Machine,
  options: RunChecksOptions = {},
): Promise<DoctorReport> => {
  const startedMs = performance.now();
  const reports = await Promise.all(checks.map((check) => runOne(check, machine, options)));
  options.signal?.throwIfAborted();
  return {
    schema: REPORT_SCHEMA,
    ok: reports.every(({ outcome }) => outcome !== 'failed'),
    checkedAt: machine.now().toISOString(),
    durationMs: Math.round(performance.now() - startedMs),
    checks: reports,
  };
};
