import { type ParseArgsConfig, parseArgs } from 'node:util';
import { misuse } from './fault.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/**
 * Parses an entry point's command line; unknown options are refused.
 * @param args words after the script
 * @param usage one-line usage, shown with every complaint
 * @param options option table of node:util parseArgs
 * @param positionals exact number of positional words that is expected
 * @returns values and positional words
 * @throws Fault with exit status 2
 */
export function readOptions<T extends Options>(args: string[], usage: string, options: T, positionals = 0) {
  try {
    const parsed = parseArgs({ args, options, allowPositionals: true, strict: true });
    if (parsed.positionals.length !== positionals) {
      throw new Error(`expected ${positionals} words beside the options, got ${parsed.positionals.length}`);
    }
    return parsed;
  } catch (error) {
    throw misuse(error instanceof Error ? error.message : String(error), `usage: ${usage}`);
  }
}

/**
 * Checks the value of --board.
 * @param board value of the option, or undefined when it was not given
 * @param known boards of this tree
 * @returns the board's name
 * @throws Fault with exit status 2 that lists the known boards
 */
export function readBoard(board: string | undefined, known: string[]): string {
  if (board === undefined) throw misuse('--board is missing', `known boards: ${known.join(', ')}`);
  if (!known.includes(board)) throw misuse(`unknown board "${board}"`, `known boards: ${known.join(', ')}`);
  return board;
}
