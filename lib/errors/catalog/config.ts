import type { ErrorText } from '../slipway-error.ts';

/** One thing that is wrong with the settings. */
export interface ConfigFault {
  /** Where it was seen: a file, `environment`, or a flag. */
  readonly where: string;
  readonly text: string;
}

const meant = (name: string | undefined): string => (name ? ` Did you mean '${name}'?` : '');

const list = (names: readonly string[]): string => names.join(', ');

/** Texts of the errors of arguments, settings and tree descriptions. */
export const configErrors = {
  SETTINGS_INVALID: (c: { faults: readonly ConfigFault[] }): ErrorText => ({
    kind: 'misuse',
    message:
      c.faults.length === 1
        ? `A setting is wrong: ${c.faults[0]?.where}: ${c.faults[0]?.text}`
        : `${c.faults.length} settings are wrong.`,
    hint: [
      ...(c.faults.length > 1 ? c.faults.map((fault) => `${fault.where}: ${fault.text}`) : []),
      "'npm run config -- show' in Slipway's checkout prints every setting and where it comes from.",
    ].join('\n'),
  }),
  SETTINGS_NEED_SHELL: (c: { faults: readonly ConfigFault[] }): ErrorText => ({
    kind: 'misuse',
    message: `The tree sets ${c.faults.length === 1 ? 'a setting' : `${c.faults.length} settings`} in a way that only a shell could evaluate; the file is read as data and not executed.`,
    hint: [
      ...c.faults.map((fault) => `${fault.where}: ${fault.text}`),
      'Give the value itself: as a flag, in the environment, or in a ci-config.env in the root of the tree.',
    ].join('\n'),
  }),
  CONFIG_NOTHING_TO_IMPORT: (c: { cwd: string }): ErrorText => ({
    kind: 'misuse',
    message: `There are no settings to import in ${c.cwd}: it is not the root of an OS tree that has a file of settings.`,
    hint: 'Run it in the root of the OS tree, or name the file: config import FILE',
  }),
  CONFIG_FILE_UNREADABLE: (c: { file: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `The settings file ${c.file} cannot be read: ${c.reason}.`,
    hint: 'Check the path given by --config or SLIPWAY_CONFIG.',
  }),
  FLAG_UNKNOWN: (c: { flag: string; nearest?: string; step: string }): ErrorText => ({
    kind: 'misuse',
    message: `${c.step} has no option '${c.flag}'.${meant(c.nearest)}`,
    hint: `${c.step} --help lists the options.`,
  }),
  FLAG_VALUE_MISSING: (c: { flag: string; step: string }): ErrorText => ({
    kind: 'misuse',
    message: `The option '${c.flag}' needs a value.`,
    hint: `${c.step} --help lists the options.`,
  }),
  ARGUMENTS_WRONG: (c: { step: string; usage: string; seen: readonly string[] }): ErrorText => ({
    kind: 'misuse',
    message: `${c.step} was called with ${c.seen.length === 0 ? 'no arguments' : `'${c.seen.join(' ')}'`}.`,
    hint: `Expected: ${c.usage}`,
  }),
  ARCH_UNKNOWN: (c: { arch: string; known: readonly string[]; nearest?: string }): ErrorText => ({
    kind: 'misuse',
    message: `Unknown architecture '${c.arch}'.${meant(c.nearest)}`,
    hint: `This tree builds for: ${list(c.known)}`,
  }),
  FORMAT_UNKNOWN: (c: { format: string; known: readonly string[]; nearest?: string }): ErrorText => ({
    kind: 'misuse',
    message: `Unknown image format '${c.format}'.${meant(c.nearest)}`,
    hint: `This tree knows: ${list(c.known)}`,
  }),
  TREE_NOT_FOUND: (c: { cwd: string; versionFiles: readonly string[] }): ErrorText => ({
    kind: 'misuse',
    message: `${c.cwd} is not the root of an OS tree: it has no ${c.versionFiles.join(' or ')}.`,
    hint: 'Run the step in the root of a checkout of the OS tree (cd there first).',
  }),
  TREE_UNKNOWN: (c: { tree: string; known: readonly string[]; nearest?: string }): ErrorText => ({
    kind: 'misuse',
    message: `There is no description of an OS tree named '${c.tree}'.${meant(c.nearest)}`,
    hint: `Known: ${list(c.known)}. A tree is described by config/trees/NAME.yaml in Slipway's checkout, or by a *.yaml file of your own.`,
  }),
  TREE_DESCRIPTION_INVALID: (c: { file: string; faults: readonly string[] }): ErrorText => ({
    kind: 'misuse',
    message: `The description of the OS tree in ${c.file} is wrong.`,
    hint: c.faults.join('\n'),
  }),
  TREE_LIST_UNREADABLE: (c: { file: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `A list of the OS tree cannot be read from ${c.file}: ${c.reason}.`,
    hint: 'Check the file in the checkout; it is read as data, so it must set the list to plain words.',
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
