import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { listRecordings } from '../../lib/recording/index.ts';
import { EVENTS_FOLDER } from '../../lib/step/index.ts';
import { killProcessesOf } from '../helpers/fixture-leftovers.ts';
import { argumentsOf, BUILD, buildUpTo } from '../helpers/fixture-pipeline.ts';
import { parseEvents } from '../helpers/fixture-result.ts';
import { errorIn, mustRun, runStep, startStep } from '../helpers/fixture-step.ts';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';
import { recordingText, started } from '../helpers/recordings.ts';
import { useTempFolders } from '../helpers/temp.ts';

const worlds = useWorlds();
const makeFolder = useTempFolders();
let built: FixtureWorld;

/** The tree after a pipeline whose step `packages` failed. */
beforeAll(async () => {
  built = worlds.fresh();
  await buildUpTo(built, 'sdk_container');
  built.behave('build_packages', 'fail 7');
  await runStep(built, 'packages', argumentsOf('packages'));
}, 120_000);

const eventsOf = (world: FixtureWorld): string[] =>
  listRecordings(join(world.tree, EVENTS_FOLDER)).map(({ file }) => file);

describe('recordings of steps', () => {
  test('each step has one, complete, with its result beside; the result file names it', async () => {
    const world = worlds.copyOf(built);
    world.behave('build_packages', undefined);
    const before = eventsOf(world);
    const end = await runStep(world, 'packages', [...argumentsOf('packages'), '--json']);
    const [file = '', ...more] = eventsOf(world).filter((one) => !before.includes(one));
    expect(more).toEqual([]);
    expect(end.result?.events && join(world.tree, end.result.events)).toBe(file);
    expect(end.result?.statement && existsSync(join(world.cache, end.result.statement))).toBe(true);
    expect(JSON.parse(readFileSync(file.replace('.jsonl', '.result.json'), 'utf8'))).toEqual(end.result);
    // All that was said is in it, in the same words, but for some of the reports on transfers.
    const said = parseEvents(end.stderr).filter(({ kind }) => kind !== 'progress');
    const [header = '', ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(JSON.parse(header)).toMatchObject({ kind: 'recording', schema: 1, step: 'packages-amd64' });
    expect(
      parseEvents(lines.join('\n'))
        .filter(({ kind }) => kind !== 'progress')
        .map(({ time, ...event }) => event),
    ).toEqual(said.map(({ time, ...event }) => event));
  }, 60_000);

  test('a plan has none, nor has wrong use', async () => {
    const world = worlds.copyOf(built);
    const before = eventsOf(world);
    await mustRun(world, 'packages', [...argumentsOf('packages'), '--plan']);
    expect((await runStep(world, 'image', ['no-such-arch'])).exitCode).toBe(2);
    expect(eventsOf(world)).toEqual(before);
  }, 60_000);

  test('a step that could not begin has one', async () => {
    const world = worlds.copyOf(built);
    world.behave('engine', 'down');
    const end = await runStep(world, 'image', ['amd64']);
    expect(end.exitCode).not.toBe(0);
    const kinds = parseEvents(readFileSync(eventsOf(world).at(-1) ?? '', 'utf8').replace(/^.*\n/, '')).map(
      ({ kind }) => kind,
    );
    expect(kinds).toContain('error');
    expect(kinds.at(-1)).toBe('step-finished');
  }, 60_000);
});

describe('report', () => {
  test('of the tree it is called in: the newest run, with the failure', async () => {
    const end = await runStep(built, 'report', []);
    const file = join(built.tree, '__build__/slipway/report.html');
    expect(end).toMatchObject({ exitCode: 0, stdout: `${file}\n` });
    const page = readFileSync(file, 'utf8');
    expect(page).toContain(`<h1>${BUILD.cacheForm}: failed</h1>`);
    for (const step of ['sdk_bootstrap', 'sdk_container', 'packages amd64']) expect(page).toContain(step);
    expect(page).toContain('build_packages: the test wants this to fail');
    expect(page).toContain('exit code 7');
    expect(page).toContain(`href="file://${built.cache}/containers/`);
    expect(page).toContain(`href="file://${built.cache}/provenance/`);
  }, 60_000);

  test('of files and folders that were collected from workers, from anywhere; as JSON', async () => {
    const cwd = makeFolder();
    for (const [index, file] of eventsOf(built).entries()) {
      const worker = join(cwd, 'artifacts', `worker-${index}`);
      mkdirSync(worker, { recursive: true });
      writeFileSync(join(worker, file.replace(/^.*\//, '')), readFileSync(file));
    }
    const end = await runStep(built, 'report', ['artifacts', '--json', '--out', 'out/page.html'], { cwd });
    expect(end.exitCode).toBe(0);
    expect(JSON.parse(end.stdout)).toMatchObject({
      report: join(cwd, 'out/page.html'),
      version: BUILD.cacheForm,
      outcome: 'failed',
      exitCode: 1,
    });
    expect((JSON.parse(end.stdout) as { steps: string[] }).steps).toHaveLength(3);
    expect(readFileSync(join(cwd, 'out/page.html'), 'utf8')).toContain('Without a result file beside the events');
    const one = await runStep(built, 'report', [eventsOf(built)[0] ?? ''], { cwd });
    expect(one).toMatchObject({ exitCode: 0, stdout: `${join(cwd, 'slipway-report.html')}\n` });
    expect(readFileSync(join(cwd, 'slipway-report.html'), 'utf8')).toContain(`<h1>${BUILD.cacheForm}: done</h1>`);
  }, 60_000);

  test('says what is wrong with events, and with where the page is to go', async () => {
    const cwd = makeFolder();
    const report = (...args: readonly string[]) => runStep(built, 'report', args, { cwd });
    writeFileSync(
      join(cwd, 'cut.jsonl'),
      recordingText([
        [0, started('image')],
        [1, { kind: 'info', text: 'x' }],
      ]).slice(0, -9),
    );
    writeFileSync(join(cwd, 'damaged.jsonl'), `${recordingText([[0, started('image')]])}{"kind"\n{}\n`);
    writeFileSync(
      join(cwd, 'future.jsonl'),
      recordingText([[0, started('image')]]).replaceAll('"schema":1', '"schema":99'),
    );
    writeFileSync(join(cwd, 'empty.jsonl'), '');
    mkdirSync(join(cwd, 'nothing'));
    expect((await report('cut.jsonl')).exitCode).toBe(0);
    expect(readFileSync(join(cwd, 'slipway-report.html'), 'utf8')).toContain('The file of events ends within a line.');
    const wrong = async (...args: readonly string[]) => {
      const end = await report(...args);
      return [end.exitCode, errorIn(end).split(':')[0]];
    };
    expect(await wrong()).toEqual([2, 'error EVENTS_NONE']);
    expect(await wrong('nothing')).toEqual([2, 'error EVENTS_NONE']);
    expect(await wrong('empty.jsonl')).toEqual([2, 'error EVENTS_NONE']);
    expect(await wrong('missing.jsonl')).toEqual([2, 'error EVENTS_MISSING']);
    expect(await wrong('damaged.jsonl')).toEqual([1, 'error EVENTS_UNREADABLE']);
    expect(await wrong('future.jsonl')).toEqual([1, 'error EVENTS_SCHEMA_UNKNOWN']);
    expect(await wrong('cut.jsonl', '--out', 'cut.jsonl/page.html')).toEqual([2, 'error REPORT_UNWRITABLE']);
    expect(await wrong('--outt', 'x')).toEqual([2, 'error FLAG_UNKNOWN']);
  }, 60_000);

  test('a recording in a folder that cannot be read is left out, and it says so', async () => {
    const world = worlds.copyOf(built);
    appendFileSync(eventsOf(world)[0] ?? '', 'garbage\n');
    const end = await runStep(world, 'report', []);
    expect(end.exitCode).toBe(0);
    expect(end.stderr).toContain('warning: ');
    expect(readFileSync(end.stdout.trim(), 'utf8')).not.toContain('sdk_bootstrap debian');
  }, 60_000);
});

describe('watch', () => {
  test('shows a step from its beginning to its end in its own words, and ends with its exit code', async () => {
    const world = worlds.copyOf(built);
    world.behave('build_image', 'hang');
    const first = await runStep(world, 'watch', [eventsOf(world).at(-1) ?? '']);
    expect(first.exitCode).toBe(1);
    expect(first.stderr).toContain('build_packages: giving up');

    world.behave('build_packages', 'hang');
    const step = startStep(world, 'packages', argumentsOf('packages'));
    await step.until(() => existsSync(join(world.folder, 'hanging')));
    const watch = startStep(world, 'watch', []);
    await watch.until((stderr) => stderr.includes('./build_packages'));
    step.signal('SIGTERM');
    expect((await step.done).exitCode).toBe(143);
    const end = await watch.done;
    expect(end.exitCode).toBe(143);
    expect(end.stderr).toContain('=== packages: interrupted');
  }, 60_000);

  test('a step that is killed: all that it said is there, and that it is gone', async () => {
    const world = worlds.copyOf(built);
    world.behave('build_packages', 'hang');
    const step = startStep(world, 'packages', argumentsOf('packages'));
    const watch = startStep(world, 'watch', ['--next', '--wait', '60', '--json']);
    await step.until(() => existsSync(join(world.folder, 'hanging')));
    step.signal('SIGKILL');
    await step.done;
    killProcessesOf(world, (pid) => pid !== watch.pid);
    const end = await watch.done;
    expect(end.exitCode).toBe(1);
    const lines = end.stdout.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(5);
    expect(end.stdout).toBe(readFileSync(eventsOf(world).at(-1) ?? '', 'utf8'));
    expect(lines.map((line) => (JSON.parse(line) as { kind: string }).kind)).toContain('command-started');
    expect(end.stderr).toContain('STEP_VANISHED');
    const page = await mustRun(world, 'report', []);
    expect(readFileSync(page.stdout.trim(), 'utf8')).toContain(': killed</h1>');
  }, 60_000);

  test('wrong use and no events', async () => {
    const cwd = makeFolder();
    const wrong = async (...args: readonly string[]) => {
      const end = await runStep(built, 'watch', args, { cwd });
      return [end.exitCode, errorIn(end).split(':')[0]];
    };
    expect(await wrong()).toEqual([2, 'error EVENTS_NONE']);
    expect(await wrong('missing')).toEqual([2, 'error EVENTS_MISSING']);
    expect(await wrong('a', 'b')).toEqual([2, 'error ARGUMENTS_WRONG']);
    expect(await wrong(built.tree, '--wait', 'long')).toEqual([2, 'error WATCH_VALUE_INVALID']);
  }, 60_000);
});

test('a folder of events that cannot be written is a warning, not the end of the step', async () => {
  const world = worlds.copyOf(built);
  world.behave('build_packages', undefined);
  renameSync(join(world.tree, EVENTS_FOLDER), join(world.folder, 'elsewhere'));
  writeFileSync(join(world.tree, EVENTS_FOLDER), 'a file');
  const end = await mustRun(world, 'packages', argumentsOf('packages'));
  expect(end.stderr).toContain('warning: The events of this step are not recorded any more');
  expect(end.result?.events).toBeUndefined();
  rmSync(join(world.tree, EVENTS_FOLDER));
}, 60_000);
