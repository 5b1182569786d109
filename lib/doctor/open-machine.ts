import { type LoadedSettings, misspeltNames } from '../config/index.ts';
import { findEngine } from '../container/index.ts';
import { isSlipwayError, SlipwayError } from '../errors/index.ts';
import { createRunner } from '../process/index.ts';
import { type CommandLine, findSettings, type StepIo, storeSettings } from '../step/index.ts';
import { findTree, type TreeDescription } from '../tree/index.ts';
import { combine, failed, findingOf, ok, skipped, warning } from './finding.ts';
import type { Finding, Machine } from './types.ts';

/** An engine that takes longer for its version is in no state to build. */
const ENGINE_ANSWER_MS = 5_000;

/** What the settings are read from. */
type SettingsIo = Pick<StepIo, 'env' | 'cwd' | 'slipwayRoot' | 'now'>;

interface FoundSettings {
  readonly loaded?: LoadedSettings;
  readonly finding: Finding;
}

const fixOfNames = (names: readonly { readonly name: string; readonly meant: string | undefined }[]): string =>
  names.map(({ name, meant }) => (meant ? `export ${meant}="$${name}"; unset ${name}` : `unset ${name}`)).join('\n');

const sayLoaded = ({ warnings, unread, origins }: LoadedSettings): Finding => {
  const set = Object.values(origins).filter(({ kind }) => kind !== 'default').length;
  const fix = 'What is set, and where: npm run config -- show';
  return combine([
    ok(`${set} ${set === 1 ? 'setting is' : 'settings are'} given, the others have their defaults`),
    ...warnings.map((text) => warning(text, fix)),
    ...unread.map(({ where, text }) => failed(`${where}: ${text}: only a shell could evaluate it`, fix)),
  ]);
};

/**
 * Reads the settings. Names in the environment that nobody knows stop every step, but not the other checks: they are left out, and said.
 */
const readSettings = async (io: SettingsIo, line: CommandLine): Promise<FoundSettings> => {
  const wrong = misspeltNames(io.env);
  const env = Object.fromEntries(Object.entries(io.env).filter(([name]) => !wrong.some((one) => one.name === name)));
  const unknown = wrong.map(({ name, meant }) =>
    failed(
      `the environment has ${name}, which is no setting${meant ? `; did you mean ${meant}?` : ''}`,
      fixOfNames([{ name, meant }]),
    ),
  );
  try {
    const { loaded } = await findSettings({ ...io, env }, line);
    return { loaded, finding: combine([...unknown, sayLoaded(loaded)]) };
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.code.startsWith('TREE_')) throw error;
    return { finding: combine([...unknown, findingOf(error)]) };
  }
};

interface FoundTree {
  readonly tree?: TreeDescription;
  readonly finding: Finding;
}

const readTree = async (cwd: string, name: string): Promise<FoundTree> => {
  try {
    const tree = await findTree(cwd, name);
    return { tree, finding: ok(`${tree.name}, for ${tree.arches.join(' and ')}`) };
  } catch (error) {
    // One that was named must be there; else doctor may be asked anywhere.
    if (!isSlipwayError(error, 'TREE_NOT_FOUND') || name !== '') return { finding: findingOf(error) };
    return {
      finding: skipped(
        `${cwd} is not the root of an OS tree`,
        'Call doctor in the root of the checkout that is to be built.',
      ),
    };
  }
};

/** Settings and tree; that the tree is broken hides the settings from nobody. */
const readBoth = async (io: SettingsIo, line: CommandLine) => {
  const isTreeFault = (error: unknown): boolean => error instanceof SlipwayError && error.code.startsWith('TREE_');
  const named = line.flags.SLIPWAY_TREE ?? io.env.SLIPWAY_TREE ?? '';
  try {
    const settings = await readSettings(io, line);
    return { settings, ...(await readTree(io.cwd, settings.loaded?.values.SLIPWAY_TREE ?? named)) };
  } catch (error) {
    if (!isTreeFault(error)) throw error;
    // Settings without the tree's own file.
    const elsewhere = { ...io, cwd: io.slipwayRoot, env: { ...io.env, SLIPWAY_TREE: undefined } };
    const { SLIPWAY_TREE: _, ...flags } = line.flags;
    return { settings: await readSettings(elsewhere, { ...line, flags }), finding: findingOf(error) };
  }
};

/** What doctor is told on its command line. */
export interface MachineOptions {
  readonly readOnly: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Finds out what the checks go by: settings, tree, and how to ask for the engine. Whatever is wrong with those is a finding and not an
 * error.
 */
export const openMachine = async (
  io: SettingsIo,
  line: CommandLine,
  { readOnly, signal }: MachineOptions,
): Promise<Machine & { readonly loaded: LoadedSettings | undefined }> => {
  const {
    settings: { loaded, finding: settingsFinding },
    tree,
    finding: treeFinding,
  } = await readBoth(io, line);
  // What run-step.sh sets for this process is nothing for others.
  const env = { ...io.env, GNUPGHOME: undefined, MALLOC_MMAP_THRESHOLD_: undefined };
  const query = createRunner({ cwd: io.cwd, env, signal, killGraceMs: 500 });
  let search: ReturnType<Machine['engine']> | undefined;
  return {
    loaded,
    env,
    cwd: io.cwd,
    slipwayRoot: io.slipwayRoot,
    settings: loaded?.values,
    settingsFinding,
    store: loaded && storeSettings(loaded.values),
    tree,
    treeFinding,
    isRoot: process.getuid?.() === 0,
    now: io.now,
    readOnly,
    engine: () => {
      const asked = { ...io.env, docker: loaded?.values.docker ?? io.env.docker };
      search ??= findEngine({ env: asked, query, answerTimeoutMs: ENGINE_ANSWER_MS });
      return search;
    },
  };
};
