import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CheckReport, type Machine, openMachine, runChecks, selectChecks } from '../../lib/doctor/index.ts';
import { type CommandLine, parseCommandLine } from '../../lib/step/index.ts';

const SLIPWAY_ROOT = join(import.meta.dirname, '../..');

/** A machine about which nothing is known, for tests of what runs the checks. */
export const testMachine = (): Machine => ({
  env: { PATH: process.env.PATH },
  cwd: tmpdir(),
  slipwayRoot: SLIPWAY_ROOT,
  settings: undefined,
  settingsFinding: { outcome: 'ok', seen: '' },
  store: undefined,
  tree: undefined,
  treeFinding: { outcome: 'ok', seen: '' },
  isRoot: process.getuid?.() === 0,
  now: () => new Date(),
  readOnly: false,
  engine: async () => ({ tried: [] }),
});

/** What doctor is asked. */
export interface Question {
  /** Added to a bare environment with this process's PATH. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Absolute; default: the system's folder for temporary files. */
  readonly cwd?: string;
  readonly argv?: readonly string[];
  readonly now?: () => Date;
  readonly readOnly?: boolean;
  readonly offline?: boolean;
  readonly limitMs?: number;
  /** What the machine is made to be. */
  readonly change?: (machine: Machine) => Machine;
}

/** Runs one check as doctor does, with settings from the environment. */
export const ask = async (name: string, question: Question = {}): Promise<CheckReport> => {
  const { env = {}, cwd = tmpdir(), argv = [], now = () => new Date(), readOnly = false, offline, limitMs } = question;
  const line: CommandLine = parseCommandLine(argv, 'doctor');
  const io = { env: { PATH: process.env.PATH, HOME: cwd, ...env }, cwd, slipwayRoot: SLIPWAY_ROOT, now };
  const machine = await openMachine(io, line, { readOnly });
  const { checks } = await runChecks(selectChecks([name], []), question.change?.(machine) ?? machine, {
    offline,
    limitMs,
  });
  const [report] = checks;
  if (!report) throw new Error(`no report of ${name}`);
  return report;
};
