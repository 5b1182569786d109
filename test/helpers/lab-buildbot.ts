import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabHost, LabProcess } from './network-lab.ts';
import { writeFileAt } from './temp-files.ts';

/** Buildbot's numbers of results. */
export const RESULTS = ['success', 'warnings', 'failure', 'skipped', 'exception', 'retry', 'cancelled'] as const;

/** A build that a master did. */
export interface BuildRecord {
  readonly builder: string;
  readonly number: number;
  readonly worker: string;
  /** Undefined while it runs. */
  readonly result: (typeof RESULTS)[number] | undefined;
}

/** A real master, in a folder of its own. */
export interface BuildbotMaster extends LabProcess {
  /** Absolute path of its folder. */
  readonly folder: string;
  /** All builds so far, in the order in which they began. */
  builds(): BuildRecord[];
  /** Waits until what it did is as wanted; throws when it takes too long. @param what completes "waited for ..." */
  untilBuilds(what: string, isThere: (builds: readonly BuildRecord[]) => boolean): Promise<void>;
  /** Starts a run as somebody at a command line does. */
  ask(parameters: Readonly<Record<string, string>>): void;
}

/** What a master is given. */
export interface MasterFiles {
  /** `master.cfg` as it was generated. */
  readonly config: string;
  /** `site.json`. */
  readonly site: object;
  /** Texts by name. */
  readonly secrets: Readonly<Record<string, string> & { run: string }>;
}

const PORT = 9989;
const POLL_MS = 50;
/** A run is done in half a minute, on a machine that has nothing else to do. */
const PATIENCE_MS = 400_000;

const QUERY = `
  SELECT builders.name AS builder, builds.number AS number, workers.name AS worker, builds.results AS results
  FROM builds JOIN builders ON builders.id = builds.builderid JOIN workers ON workers.id = builds.workerid
  ORDER BY builds.id`;

const readBuilds = (file: string): BuildRecord[] => {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
  try {
    return database
      .prepare(QUERY)
      .all()
      .map((row) => ({
        builder: String(row.builder),
        number: Number(row.number),
        worker: String(row.worker),
        result: row.results === null ? undefined : RESULTS[Number(row.results)],
      }));
  } finally {
    database.close();
  }
};

const environment = (home: string): Record<string, string | undefined> => ({
  PATH: process.env.PATH,
  HOME: home,
  LC_ALL: 'C.UTF-8',
});

/** Makes a master with the given files, has Buildbot check them, and starts it (Debian package buildbot). @param folder must not be there yet */
export const startMaster = async (host: LabHost, folder: string, files: MasterFiles): Promise<BuildbotMaster> => {
  const env = environment(folder);
  host.run({ command: ['buildbot', 'create-master', '-q', folder], env });
  writeFileSync(join(folder, 'master.cfg'), files.config);
  writeFileSync(join(folder, 'site.json'), JSON.stringify(files.site));
  for (const [name, text] of Object.entries(files.secrets)) {
    writeFileSync(writeFileAt(join(folder, 'secrets', name), ''), text, { mode: 0o600 });
  }
  host.run({ command: ['chmod', '-R', 'go=', join(folder, 'secrets')] });
  host.run({ command: ['buildbot', 'checkconfig', folder], env });
  const command = ['buildbot', 'start', '--nodaemon', folder];
  const daemon = await host.start({ command, env, logFile: join(folder, 'twistd.log') }, /BuildMaster is running/);
  const builds = (): BuildRecord[] => readBuilds(join(folder, 'state.sqlite'));
  return {
    ...daemon,
    folder,
    builds,
    async untilBuilds(what, isThere) {
      const deadline = Date.now() + PATIENCE_MS;
      for (let now = builds(); !isThere(now); now = builds()) {
        if (Date.now() > deadline) {
          throw new Error(
            `waited for ${what} in vain:\n${JSON.stringify(now, undefined, 1)}\n${daemon.log().slice(-3000)}`,
          );
        }
        await sleep(POLL_MS);
      }
    },
    ask(parameters) {
      const properties = Object.entries(parameters).map(([name, value]) => `--property=${name}:${value}`);
      const where = [`--master=${host.address}:${PORT}`, `--auth=run:${files.secrets.run.trim()}`];
      const who = ['--who=somebody', '--vc=git', '--category=run'];
      host.run({ command: ['buildbot', 'sendchange', ...where, ...who, ...properties, 'version'], env });
    },
  };
};

/**
 * Makes a worker and starts it (Debian package buildbot-worker).
 *
 * @param folder must not be there yet
 * @param env of the jobs that it runs
 */
export const startWorker = (
  host: LabHost,
  {
    folder,
    master,
    password,
    env,
  }: {
    readonly folder: string;
    readonly master: LabHost;
    readonly password: string;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): Promise<LabProcess> => {
  const create = ['buildbot-worker', 'create-worker', '-q', '--maxretries=1000', folder];
  host.run({ command: [...create, `${master.address}:${PORT}`, host.name, password], env: environment(folder) });
  const command = ['buildbot-worker', 'start', '--nodaemon', folder];
  return host.start({ command, env, logFile: join(folder, 'twistd.log') }, /worker is ready/);
};
