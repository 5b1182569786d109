import { isSlipwayError, slipwayError } from '../errors/index.ts';
import type { Command, Runner } from '../process/index.ts';
import { type EngineInfo, INFO_WORDS, parseEngineInfo } from './engine-info.ts';
import { podmanSettings, readPodmanFacts } from './podman-conf.ts';

/** A container engine that answers. */
export interface FoundEngine {
  readonly name: 'docker' | 'podman';
  readonly command: Command;
  readonly info: EngineInfo;
  /** For its commands, and for the tree's entry points, which call the engine too: `docker`, and `CONTAINERS_CONF` where needed. */
  readonly env: Readonly<Record<string, string>>;
}

/** The engine, if one answers, and what was tried. */
export interface EngineSearch {
  readonly found?: FoundEngine;
  readonly tried: readonly { readonly command: string; readonly detail: string }[];
}

/** Where and how to look. */
export interface EngineSearchOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asks the candidates. */
  readonly query: Runner;
  /** Default: whether this process is root's. */
  readonly isRoot?: boolean;
  /** Milliseconds that a candidate has for its answer; default 20000. */
  readonly answerTimeoutMs?: number;
  /** Default: {@link readPodmanFacts}. */
  readonly podmanFacts?: typeof readPodmanFacts;
}

/** A daemon that does not answer within this time will not do any work either. */
const ANSWER_TIMEOUT_MS = 20_000;

/** Exit codes of docker and podman, and of sudo, when something is amiss; an answer here, not a failure. */
const ANY_ANSWER = [0, 1, 2, 125, 126, 127];

type Answer = { readonly engine: FoundEngine } | { readonly detail: string };

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

/**
 * The candidates, in the order of the original: what the variable `docker` says, docker, podman; with sudo where this is not root.
 * `-n`, because nobody is there to type a password.
 */
const candidates = (env: EngineSearchOptions['env'], isRoot: boolean): Command[] => {
  const chosen = env.docker?.trim().split(/\s+/) ?? [''];
  if (chosen[0]) return [chosen as unknown as Command];
  if (isRoot) return [['docker'], ['podman']];
  return [['docker'], ['sudo', '-n', 'docker'], ['sudo', '-n', 'podman'], ['podman']];
};

const askEngine = async (
  command: Command,
  { query, answerTimeoutMs: timeoutMs = ANSWER_TIMEOUT_MS }: EngineSearchOptions,
): Promise<{ info: EngineInfo } | { detail: string }> => {
  const options = { stdout: 'capture', okExitCodes: ANY_ANSWER, timeoutMs } as const;
  try {
    const { stdout, stderr, exitCode } = await query.run([...command, ...INFO_WORDS] as unknown as Command, options);
    const info = exitCode === 0 ? parseEngineInfo(stdout) : undefined;
    if (info) return { info };
    return { detail: lastLine(stderr) || `it does not say what it is (exit code ${exitCode})` };
  } catch (error) {
    if (isSlipwayError(error, 'COMMAND_NOT_FOUND')) return { detail: 'not installed' };
    if (isSlipwayError(error, 'COMMAND_TIMED_OUT')) return { detail: error.message };
    throw error;
  }
};

/** With sudo the environment is lost on the way, unless `env` sets it on the other side. */
const withEnvironment = (command: Command, env: Readonly<Record<string, string>>): Command => {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  if (command[0] !== 'sudo' || settings.length === 0) return command;
  return [...command.slice(0, -1), 'env', ...settings, ...command.slice(-1)] as unknown as Command;
};

const preparePodman = async (command: Command, info: EngineInfo, options: EngineSearchOptions): Promise<Answer> => {
  const conf = podmanSettings(await (options.podmanFacts ?? readPodmanFacts)(info.runtime ?? ''));
  // Somebody who has set the variable knows the machine better.
  const env: Record<string, string> =
    conf === undefined || options.env.CONTAINERS_CONF ? {} : { CONTAINERS_CONF: conf };
  const full = withEnvironment(command, env);
  return { engine: { name: 'podman', command: full, info, env: { ...env, docker: full.join(' ') } } };
};

const tryEngine = async (command: Command, options: EngineSearchOptions): Promise<Answer> => {
  const answer = await askEngine(command, options);
  if ('detail' in answer) return answer;
  const { info } = answer;
  if (info.name === 'podman') return preparePodman(command, info, options);
  return { engine: { name: 'docker', command, info, env: { docker: command.join(' ') } } };
};

/** Looks for a container engine that answers, without starting or installing anything. Costs one short command where the first one answers. */
export const findEngine = async (options: EngineSearchOptions): Promise<EngineSearch> => {
  const tried: { command: string; detail: string }[] = [];
  for (const command of candidates(options.env, options.isRoot ?? process.getuid?.() === 0)) {
    const answer = await tryEngine(command, options);
    if ('engine' in answer) return { found: answer.engine, tried };
    tried.push({ command: command.join(' '), detail: answer.detail });
  }
  return { tried };
};

/** {@link findEngine}, for those who cannot do without; throws `ENGINE_MISSING` with what was tried. */
export const requireEngine = async (options: EngineSearchOptions): Promise<FoundEngine> => {
  const { found, tried } = await findEngine(options);
  if (!found) throw slipwayError('ENGINE_MISSING', { tried });
  return found;
};
