import { type EngineSearch, type FoundEngine, findEngine } from '../container/index.ts';
import { slipwayError } from '../errors/index.ts';
import { type Log, silentLog } from '../log/index.ts';
import { createRunner, type Runner } from '../process/index.ts';
import { findProgram } from './debian-packages.mjs';
import { startDocker } from './engine.ts';
import { findMissingPackages, installPackages, missingPackagesError, type PackageGroup } from './host-packages.ts';
import { findRootRights } from './root-rights.ts';

/** What a machine is to be made ready for, and how. */
export interface PrepareHostOptions {
  readonly group: PackageGroup;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Install nothing; throw `HOST_PACKAGES_MISSING` (exit code 2) with the list instead. */
  readonly noInstall: boolean;
  readonly signal?: AbortSignal;
  /** Asks without a word in the log, so that a run that has nothing to do says nothing; default: made here. */
  readonly query?: Runner;
  /** Installs and starts; default: made here, writing to `log`. */
  readonly effects?: Runner;
  /** Default: whether this process is root's. */
  readonly isRoot?: boolean;
  /** Absolute path of the installed docker daemon; default: looked for in PATH and the system's folders. */
  readonly findDaemon?: () => string | undefined;
  /** Where packages ask whether they may start services; default: Debian's place. */
  readonly policyFile?: string;
}

/** Whether the installed docker daemon is what `docker` would reach: neither another host nor another program was asked for. */
const canStartDocker = ({ env }: PrepareHostOptions): boolean =>
  !env.DOCKER_HOST && (env.docker ?? 'docker').split(/[\s/]/).includes('docker');

const notRunning = ({ env }: PrepareHostOptions, { tried }: EngineSearch) => {
  const asked = env.DOCKER_HOST ? `DOCKER_HOST=${env.DOCKER_HOST}` : `docker='${env.docker}'`;
  const detail = tried.map((attempt) => `${attempt.command}: ${attempt.detail}`).join('\n');
  return slipwayError('ENGINE_NOT_RUNNING', { command: asked, detail });
};

/**
 * Makes this machine ready: installs the Debian packages that are missing, and finds, installs or starts a container engine. Where
 * nothing is to be done it takes two short commands and says nothing.
 *
 * @returns the engine that answers
 * Throws `HOST_PACKAGES_MISSING`, `HOST_PACKAGES_FAILED`, `ENGINE_NOT_RUNNING`, `ENGINE_START_FAILED` or `ENGINE_MISSING`.
 */
export const prepareHost = async (options: PrepareHostOptions): Promise<FoundEngine> => {
  const { env, log, signal, group } = options;
  const isRoot = options.isRoot ?? process.getuid?.() === 0;
  const query = options.query ?? createRunner({ log: silentLog, cwd: '/', env, signal });
  const effects = options.effects ?? createRunner({ log, cwd: '/', env, signal });
  const rescue = options.effects ?? createRunner({ log, cwd: '/', env });
  const dockerd = options.findDaemon ?? (() => findProgram('dockerd', env.PATH));

  const [search, absent] = await Promise.all([findEngine({ env, query, isRoot }), findMissingPackages(group, query)]);
  const needsEngine = !search.found && !dockerd();
  if (needsEngine && !canStartDocker(options)) throw notRunning(options, search);
  const missing = absent.filter((entry) => entry.for !== 'engine' || needsEngine);
  if (missing.length > 0 && options.noInstall) throw missingPackagesError(missing, 'SLIPWAY_NO_INSTALL is set');
  if (missing.length === 0 && search.found) return search.found;

  const rights = await findRootRights(query, isRoot);
  if (missing.length > 0)
    await installPackages(missing, { log, effects, rescue, rights, policyFile: options.policyFile });
  if (search.found) return search.found;
  if (!canStartDocker(options)) throw notRunning(options, search);
  const daemon = dockerd();
  if (!daemon || !rights.available) throw slipwayError('ENGINE_MISSING', { tried: search.tried });
  return startDocker({ env, log, query, effects, rights, isRoot, dockerd: daemon });
};
