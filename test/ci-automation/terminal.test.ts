import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';
import { type PtyProgram, startOnPty } from '../helpers/pty.ts';
import { useTempFolders } from '../helpers/temp.ts';

const worlds = useWorlds();
const makeFolder = useTempFolders();
const SCRIPT = join(import.meta.dirname, '../../ci-automation/sdk_bootstrap.ts');
const ARGS = ['debian', 'main-4888.0.0-nightly-20261127-2100'];

let fresh: FixtureWorld;
beforeAll(() => {
  fresh = worlds.fresh();
}, 60_000);

let program: PtyProgram | undefined;
afterEach(() => program?.close());

/** Runs the step on a terminal, as a person does. */
const runOnTerminal = (how: string): { world: FixtureWorld; step: PtyProgram } => {
  const world = worlds.copyOf(fresh);
  world.behave('bootstrap_sdk_container', how);
  const env = { ...world.env, CI: undefined };
  const place = { cwd: world.tree, env, columns: 100, rows: 20, folder: makeFolder() };
  program = startOnPty([SCRIPT, ...ARGS], place);
  return { world, step: program };
};

/** Lines of the live view, of which none may be left behind. */
const liveLines = (lines: readonly string[]): string[] => lines.filter((line) => /^\s*-> /.test(line));

describe('a step on a terminal', () => {
  test('that fails leaves a whole screen: what was over, the last lines of the command, and how to run it again', async () => {
    const { world, step } = runOnTerminal('fail 7');
    expect(await step.done).toBe(1);
    const lines = await step.screen.all();
    const text = lines.join('\n');
    expect(liveLines(lines)).toEqual([]);
    expect(lines[0]).toBe(`=== sdk_bootstrap ${ARGS.join(' ')}`);
    expect(text).toMatch(/\n<- tag the version: done \(.*\)\n/);
    expect(text).toMatch(/\n {2}\$ \.\/bootstrap_sdk_container .*\(exit code 7, /s);
    expect(text).toContain('error COMMAND_FAILED: ./bootstrap_sdk_container ended with exit code 7.');
    expect(text).toContain('  bootstrap_sdk_container: giving up\n');
    const whole = text.replaceAll('\n', '');
    expect(whole).toContain(`To run the step again: cd ${world.tree} && ${SCRIPT} ${ARGS.join(' ')}`);
    expect(text).toMatch(/\n=== sdk_bootstrap: failed in /);
  }, 60_000);

  test('shows what runs, follows the size of the window, and ends in order on Ctrl-C', async () => {
    const { step } = runOnTerminal('hang');
    await step.until((seen) => /^-> build the SDK {2}\d/.test(seen.at(-3) ?? ''));
    const [command = '', output] = (await step.screen.seen()).slice(-2);
    expect(command).toMatch(/^ {2}\$ \.\/bootstrap_sdk_container .*… {2}\d+ s$/);
    expect(output).toBe('    seed debian, target 4888.0.0-nightly-20261127-2100');

    step.resize(40, 12);
    await step.until((seen) => /^ {2}\$ \.\/bootstrap.{1,20}… {2}\d+ s$/.test(seen.at(-2) ?? ''));
    const narrow = await step.screen.seen();
    expect(liveLines(narrow)).toHaveLength(1);
    expect(narrow.at(-1)).toBe('    seed debian, target 4888.0.0-night…');

    step.type('\u0003');
    expect(await step.done).toBe(130);
    const lines = await step.screen.all();
    expect(liveLines(lines)).toEqual([]);
    expect(lines.join('')).toContain('error INTERRUPTED: Interrupted by SIGINT.');
    expect(lines.join('\n')).toMatch(/=== sdk_bootstrap: interrupted in /);
  }, 60_000);
});
