import { readFile } from 'node:fs/promises';
import { cleanDiagnostics } from './diagnostics.ts';
import type { VendorResult, VendorTap } from './types.ts';

/** Gathers what the lines of a file say. */
interface State {
  readonly results: VendorResult[];
  readonly plans: number[];
  readonly problems: string[];
  readonly mask: Mask;
  /** Text of the block that is open. */
  block: string | undefined;
}

/** Hides secrets in a text. */
type Mask = (text: string) => string;

const decodeUtf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

/** Before quotes and the like are replaced, in which a secret would not be known any more. */
const maskBytes = (bytes: string, mask: Mask): string => {
  const text = decodeUtf8(bytes);
  const masked = mask(text);
  return masked === text ? bytes : Buffer.from(masked).toString('latin1');
};

/** As `read` of a shell leaves a line. */
const trim = (line: string): string => line.replaceAll('\0', '').replaceAll(/^[ \t]+|[ \t\r]+$/g, '');

/** What TAP knows besides results, and what says nothing. */
const NO_RESULT = /^$|^#|^TAP version \d+$|^pragma /;

const BAIL_OUT = /^Bail out!/i;

/**
 * Only `ok - NAME` is a success: a line that is not understood must not hide a failure. `# SKIP` stays in the name.
 *
 * @example toResult('not ok 3 - d') // { name: 'd', ok: false, output: '' }
 */
const toResult = (line: string): VendorResult => ({
  name: decodeUtf8(line.replace(/^[^-]* - /, '')).trim(),
  ok: line.split(' - ', 1)[0] === 'ok',
  output: '',
});

const closeBlock = (state: State): void => {
  const last = state.results.pop();
  if (last) state.results.push({ ...last, output: state.block ?? '' });
  state.block = undefined;
};

const takePlan = (state: State, line: string): void => {
  const count = /^1\.\.(\d+)/.exec(line)?.[1];
  if (count !== undefined) state.plans.push(Number(count));
};

/** A line of an open block. */
const takeBlockLine = (state: State, line: string): void => {
  // The readers of the reports know blocks without such lines.
  if (line === '---' || line.startsWith('1..')) return;
  if (line === '...') closeBlock(state);
  else state.block += cleanDiagnostics(maskBytes(line, state.mask));
};

const takeLine = (state: State, line: string): void => {
  if (state.block !== undefined) takeBlockLine(state, line);
  else if (line === '---') state.block = '';
  else if (line.startsWith('1..')) takePlan(state, line);
  else if (BAIL_OUT.test(line)) state.problems.push(`the run was given up: ${line}`);
  else if (!NO_RESULT.test(line)) state.results.push(toResult(line));
};

/** Files put one behind the other have several plans; the same plan at both ends is one. */
const planOf = ({ plans, results }: State): number | undefined => {
  if (plans.length === 0) return undefined;
  if (plans.every((plan) => plan === results.length)) return results.length;
  return plans.reduce((sum, plan) => sum + plan, 0);
};

const countProblems = (results: number, plan: number | undefined): string[] => {
  if (results === 0) return [plan ? `it announces ${plan} results and has none` : 'there is no result in it'];
  if (plan !== undefined && results < plan) return [`it announces ${plan} results and has ${results}`];
  return [];
};

/**
 * Reads a TAP file of a vendor script and judges whether it is whole. kola writes the plan first and copies the file when it is done; the
 * scripts themselves write `1..1` and one result; merged files begin with the sum of the plans.
 *
 * A file without a plan is taken as whole here; whoever knows how the script ended can tell.
 *
 * @param text one character per byte
 * @param mask hides secrets in diagnostics
 */
export const parseVendorTap = (text: string, mask: Mask = (same) => same): VendorTap => {
  const lines = text.split('\n');
  const rest = lines.pop() ?? '';
  const state: State = { results: [], plans: [], problems: [], mask, block: undefined };
  for (const line of lines) takeLine(state, trim(line));
  const { results, problems } = state;
  if (state.block !== undefined) {
    problems.push(`the diagnostics of '${results.at(-1)?.name ?? ''}' have no end`);
    closeBlock(state);
  }
  // Half a name is another test's name, or none at all.
  if (rest !== '') problems.push('its last line has no end');
  const plan = planOf(state);
  return { results, plan, problems: [...problems, ...countProblems(results.length, plan)] };
};

/** What the absence of a file says. */
const MISSING: VendorTap = { results: [], plan: undefined, problems: ['the vendor script wrote none'] };

/**
 * Reads the TAP file of a run.
 *
 * @param file absolute path
 * @param exitCode of the vendor script; undefined when a signal ended it
 * @param mask hides secrets in diagnostics
 */
export const readVendorTap = async (file: string, exitCode: number | undefined, mask?: Mask): Promise<VendorTap> => {
  let text: string;
  try {
    text = await readFile(file, 'latin1');
  } catch (error) {
    if (['ENOENT', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return MISSING;
    throw error;
  }
  const tap = parseVendorTap(text, mask);
  const isDoubtful = tap.plan === undefined && tap.problems.length === 0 && exitCode !== 0;
  return isDoubtful ? { ...tap, problems: ['it has no plan (1..N), and the vendor script failed'] } : tap;
};
