import { SlipwayError } from '../errors/index.ts';
import type { FailedCommand } from '../log/index.ts';

/** Names of facts of errors that hold what others said; paths and arguments are left out, for they may be named like a trouble. */
const TELLING = [
  'lastOutput',
  'output',
  'detail',
  'reason',
  'problem',
  'where',
  'lines',
  'reasons',
  'lastLog',
  'tried',
];

/** An error and those underneath, outermost first. */
export const errorChain = (error: unknown): readonly unknown[] => {
  const chain: unknown[] = [];
  for (let at = error; at !== undefined && at !== null && !chain.includes(at); at = (at as Error).cause) chain.push(at);
  return chain;
};

/** All texts in a value. */
const textsIn = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
};

const textsOf = (error: unknown): readonly string[] => {
  if (!(error instanceof SlipwayError)) {
    const { code, message } = error as NodeJS.ErrnoException;
    const inner = error instanceof AggregateError ? error.errors.flatMap(textsOf) : [];
    return [`${message ?? error} ${code ?? ''}`, ...inner];
  }
  const { signal, exitCode } = error.data;
  const end = signal ? [`signal ${signal}`] : exitCode === undefined ? [] : [`exit code ${exitCode}`];
  return [...end, ...TELLING.flatMap((name) => textsIn(error.data[name]))];
};

/** Everything that others said about an error, outermost first. */
export const evidenceOf = (error: unknown): readonly string[] => errorChain(error).flatMap(textsOf);

/** The command that an error comes from, if it comes from one. */
export const failedCommandOf = (error: unknown): FailedCommand | undefined => {
  for (const one of errorChain(error)) {
    if (!(one instanceof SlipwayError) || !['COMMAND_FAILED', 'COMMAND_TIMED_OUT'].includes(one.code)) continue;
    const { command, cwd, lastOutput, commandId } = one.data as {
      command: readonly string[];
      cwd?: string;
      lastOutput: string;
      commandId?: number;
    };
    if (cwd !== undefined) return { id: commandId, command, cwd, lastOutput };
  }
  return undefined;
};
