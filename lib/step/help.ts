import { settingsHelp } from '../config/index.ts';
import { COMMON_FLAGS, type OwnFlag } from './arguments.ts';
import type { StepDefinition } from './definition.ts';

const flagLines = (flags: readonly OwnFlag[]): string[] =>
  flags.map(({ flag, value, help }) => `  ${flag}${value ? ` ${value}` : ''}\n      ${help}`);

type Described = Pick<
  StepDefinition<never>,
  'name' | 'summary' | 'usage' | 'argumentsHelp' | 'reads' | 'writes' | 'ownFlags'
>;

/** The text of `--help`. */
export const helpText = (step: Described): string =>
  [
    `${step.name}: ${step.summary}`,
    '',
    `Usage: ${step.name}.ts [OPTION...] ${step.usage}`.trimEnd(),
    ...step.argumentsHelp.map((line) => `  ${line}`),
    '',
    `Reads:  ${step.reads}`,
    `Writes: ${step.writes}`,
    '',
    'Options:',
    ...flagLines([...COMMON_FLAGS, ...(step.ownFlags ?? [])]),
    '',
    'Settings (flag over environment over ci-config.env over default):',
    ...settingsHelp(),
    '',
    'Exit codes: 0 done or nothing to do, 1 failed, 2 wrong use or configuration, 3 an artifact did not verify,',
    '            130/143 interrupted. Logs go to standard error; the last line of standard output is the path of',
    '            the result file (JSON).',
    '',
  ].join('\n');
