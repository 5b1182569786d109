import { access, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FoundEngine, findEngine } from '../container/index.ts';
import { slipwayError } from '../errors/index.ts';
import { formatCommand, type Log } from '../log/index.ts';
import type { Command, Runner } from '../process/index.ts';
import type { RootRights } from './root-rights.ts';

const START_TIMEOUT_MS = 30_000;
const POLL_INTERVAL_MS = 250;

/** Of a dockerd that Slipway started because there was no service manager to do so. */
const DOCKERD_LOG = '/var/log/slipway-dockerd.log';

/** How much of that log an error shows, in lines. */
const LOG_TAIL = 8;

/** What starting needs. */
export interface EngineTools {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Says nothing. */
  readonly query: Runner;
  readonly effects: Runner;
  readonly rights: RootRights;
  readonly isRoot: boolean;
  /** Absolute path of the docker daemon. */
  readonly dockerd: string;
}

interface Start {
  readonly command: Command;
  readonly logFile: string;
  /** Whether there is still a hope that the engine will answer. */
  isAlive(): Promise<boolean>;
  lastLog(): Promise<string>;
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** systemd runs this machine (sd_booted(3)). */
const hasSystemd = (): Promise<boolean> => exists('/run/systemd/system');

const byService = ({ query, rights }: EngineTools): Start => ({
  command: rights.wrap(['systemctl', 'start', 'docker']),
  logFile: "the journal of the service 'docker'",
  isAlive: async () => true,
  async lastLog() {
    const journal = rights.wrap(['journalctl', '--unit=docker', '--no-pager', `--lines=${LOG_TAIL}`]);
    return (await query.run(journal, { stdout: 'capture', okExitCodes: [0, 1] })).stdout;
  },
});

/**
 * start-stop-daemon is dpkg's own, so every Debian has it: it puts the daemon in a session of its own, where it survives this
 * process, sends its output to a file, and does nothing when the daemon runs already (two runs at once).
 */
const byItself = ({ query, rights, dockerd }: EngineTools): Start => ({
  command: rights.wrap([
    'start-stop-daemon',
    ...['--start', '--oknodo', '--background', '--output', DOCKERD_LOG, '--exec', dockerd],
  ]),
  logFile: DOCKERD_LOG,
  async isAlive() {
    const status: Command = ['start-stop-daemon', '--status', '--exec', dockerd];
    return (await query.run(status, { okExitCodes: [0, 1, 2, 3, 4] })).exitCode === 0;
  },
  async lastLog() {
    const text = await readFile(DOCKERD_LOG, 'utf8').catch(() => '');
    // The daemon tells much about its parts; what it died of is among the rest.
    const lines = text.split('\n').filter((line) => line !== '' && !line.includes(' level=info '));
    return lines.slice(-LOG_TAIL).join('\n');
  },
});

const waitForAnswer = async (tools: EngineTools, start: Start): Promise<FoundEngine> => {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  let reason = `it did not answer within ${START_TIMEOUT_MS / 1000} s`;
  while (performance.now() < deadlineMs) {
    const { found } = await findEngine(tools);
    if (found) return found;
    if (!(await start.isAlive())) {
      reason = 'it ended at once';
      break;
    }
    await sleep(POLL_INTERVAL_MS);
  }
  const { logFile } = start;
  const command = formatCommand(start.command);
  throw slipwayError('ENGINE_START_FAILED', { command, reason, logFile, lastLog: await start.lastLog() });
};

/**
 * Starts the installed docker daemon, by the service manager where one runs, and waits until it answers.
 *
 * Throws `ENGINE_START_FAILED` with the end of its log when it does not answer within 30 s.
 */
export const startDocker = async (tools: EngineTools): Promise<FoundEngine> => {
  const start = (await hasSystemd()) ? byService(tools) : byItself(tools);
  return tools.log.phase('Start the docker daemon', async () => {
    tools.log.info(`Its log: ${start.logFile}`);
    await tools.effects.run(start.command);
    return waitForAnswer(tools, start);
  });
};
