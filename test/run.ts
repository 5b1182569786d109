/**
 * What `npm test` runs: format, lint and types; then the layers of jest.config.mjs, fast ones first. The last line is the sum.
 *
 *   npm test                         everything
 *   npm test -- test/lib/version     the tests below a path, nothing else (also: lib/version)
 *   npm test -- -t 'some name'       other words go to jest
 *   npm run check                    format, lint, types and the fast layer (--fast)
 */
import { join } from 'node:path';
import { exitCodeOf } from '../lib/errors/index.ts';
import { createLog, createMask, formatDuration, type Log, textSink } from '../lib/log/index.ts';
import { parseTestRequest, type TestRequest } from './run/arguments.ts';
import { runChecks } from './run/checks.ts';
import { runLayer } from './run/jest.ts';
import { groupLayers, type Layer, selectLayers } from './run/layers.ts';
import { isGreen, sumTallies, type Tally, tallyText } from './run/tally.ts';

const root = join(import.meta.dirname, '..');

/** No control characters in what is not a terminal, or is a CI's idea of one. */
const isTerminal = process.stderr.isTTY === true && !process.env.CI && process.env.TERM !== 'dumb';

const write = (text: string): void => {
  process.stderr.write(text);
};

/** The environment of the tests: in colour or not as this process's output is, whatever a CI's variables make of it. */
const testEnvironment = (more: Readonly<Record<string, string>>): NodeJS.ProcessEnv => {
  const { NO_COLOR, ...env } = process.env;
  return { ...env, ...more, FORCE_COLOR: isTerminal && !NO_COLOR ? '1' : '0' };
};

/** Installs and starts what the layers need of this machine; the setup is loaded only for those that need it. */
const prepare = async (selected: readonly Layer[], log: Log): Promise<Readonly<Record<string, string>>> => {
  if (!selected.some(({ usesHost }) => usesHost)) return {};
  const { prepareHost } = await import('../lib/setup/index.ts');
  const noInstall = !['', '0', 'false', undefined].includes(process.env.SLIPWAY_NO_INSTALL);
  return (await prepareHost({ group: 'test', env: process.env, log, noInstall })).env;
};

/** Runs a layer. @param isShown what it prints is shown at once; else it is in `text`, so that two layers do not talk at the same time */
const runOne = async (layer: Layer, { paths, jestArgs }: TestRequest, env: NodeJS.ProcessEnv, isShown: boolean) => {
  const startedMs = performance.now();
  let text = '';
  const keep = (more: string): void => {
    text += more;
  };
  const tally = await runLayer(layer, { root, env, paths, jestArgs, write: isShown ? write : keep });
  keep(`--- ${layer.name}: ${tallyText(tally)} in ${formatDuration(performance.now() - startedMs)}\n`);
  return { text, tally };
};

const runAll = async (request: TestRequest, log: Log): Promise<Tally> => {
  const selected = selectLayers(request.paths).filter(({ usesHost }) => !request.fast || !usesHost);
  const env = testEnvironment(await prepare(selected, log));
  const tallies: Tally[] = [];
  // A path is for quick answers about that path.
  if (request.paths.length === 0) tallies.push(await runChecks({ cwd: root, env }, write));
  for (const group of groupLayers(selected)) {
    const running = group.map((layer, at) => runOne(layer, request, env, at === 0));
    for (const { text, tally } of await Promise.all(running)) {
      write(text);
      tallies.push(tally);
    }
  }
  return sumTallies(tallies);
};

const main = async (): Promise<number> => {
  const log = createLog(textSink({ write, isTerminal, columns: process.stderr.columns }, createMask([])));
  const request = parseTestRequest(process.argv.slice(2), root, process.cwd());
  if (request.unknown.length > 0) {
    write(
      `There are no tests at ${request.unknown.join(' ')}. Give paths below test/, for example test/lib/version.\n`,
    );
    return 2;
  }
  try {
    const tally = await runAll(request, log);
    process.stdout.write(`${tallyText(tally)}\n`);
    return isGreen(tally) ? 0 : 1;
  } catch (error) {
    const { reportError } = await import('../lib/step/index.ts');
    reportError(log, error);
    return exitCodeOf(error);
  }
};

process.exitCode = await main();
