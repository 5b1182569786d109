import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { ok } from '../../../lib/doctor/finding.ts';
import { type Check, renderReport, runChecks } from '../../../lib/doctor/index.ts';
import { slipwayError } from '../../../lib/errors/index.ts';
import { testMachine } from '../../helpers/doctor-machine.ts';

const check = (name: string, run: Check['run'], more: Partial<Check> = {}): Check => ({
  name,
  summary: '',
  ...more,
  run,
});

test('one that throws and one that hangs are reported, and stop no other', async () => {
  let folder = '';
  const checks = [
    check('throws', async () => {
      throw new TypeError('undefined is not a function');
    }),
    check('says why', async () => {
      throw slipwayError('CACHE_DISK_FULL', { location: 'x', neededBytes: 2, freeBytes: 1 });
    }),
    check('hangs for ever', (context) => {
      context.doing('waiting for Godot');
      return new Promise(() => {});
    }),
    check('program hangs', async ({ runner, makeTemp, doing }) => {
      doing('sleeping');
      folder = await makeTemp();
      await runner.run(['sleep', '600']);
      return ok('never');
    }),
    check('fine', async () => ok('all is well')),
  ];
  const startedMs = performance.now();
  const report = await runChecks(checks, testMachine(), { limitMs: 400 });
  expect(performance.now() - startedMs).toBeLessThan(20_000);
  expect(report.ok).toBe(false);
  expect(report.checks.map(({ name, outcome, seen }) => [name, outcome, seen])).toEqual([
    ['throws', 'failed', 'The check itself failed: TypeError: undefined is not a function'],
    ['says why', 'failed', 'The disk of x is too full: 2 B are to be written, 1 B are free.'],
    ['hangs for ever', 'failed', 'no answer within 400 ms while waiting for Godot'],
    ['program hangs', 'failed', 'no answer within 400 ms while sleeping'],
    ['fine', 'ok', 'all is well'],
  ]);
  expect(report.checks[0]?.fix).toContain('bug in Slipway');
  expect(existsSync(folder)).toBe(false);
}, 30_000);

test('a check that was told to stop frees what it took before the report is there', async () => {
  const server = createServer((socket) => socket.on('error', () => {}).resume());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const silent = check('silent server', async ({ signal }) => {
    const socket = connect(port, '127.0.0.1');
    await new Promise((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
    ).finally(() => socket.destroy());
    return ok('never');
  });
  const report = await runChecks([silent], testMachine(), { limitMs: 300 });
  expect(report.checks[0]).toMatchObject({ outcome: 'failed', seen: 'no answer within 300 ms' });
  // Which it does only once the last connection is gone.
  await new Promise<void>((resolve) => server.close(() => resolve()));
}, 30_000);

test('what needs the network, or settings that cannot be read, is skipped and says why', async () => {
  const run = async () => ok('was run');
  const checks = [
    check('near', run),
    check('far', run, { usesNetwork: true }),
    check('depends', run, { usesNetwork: ({ store }) => store === undefined }),
    check('settings', run, { needsSettings: true }),
  ];
  const { checks: reports, ok: isFine } = await runChecks(
    checks,
    { ...testMachine(), settings: undefined, store: undefined },
    { offline: true },
  );
  expect(reports.map(({ outcome, seen }) => [outcome, seen])).toEqual([
    ['ok', 'was run'],
    ['skipped', '--offline'],
    ['skipped', '--offline'],
    ['skipped', "the settings cannot be read; see the check 'settings'"],
  ]);
  expect(isFine).toBe(true);
});

test('an interruption ends all at once', async () => {
  const controller = new AbortController();
  const waiting = runChecks([check('waits', () => new Promise(() => {}))], testMachine(), {
    signal: controller.signal,
  });
  controller.abort(slipwayError('INTERRUPTED', { signal: 'SIGINT' }));
  await expect(waiting).rejects.toMatchObject({ code: 'INTERRUPTED' });
}, 20_000);

test('the text has a block per check, fixes below it, and a line that sums up', () => {
  const text = renderReport({
    schema: 1,
    ok: false,
    checkedAt: '2026-11-28T12:00:00.000Z',
    durationMs: 1234,
    checks: [
      { name: 'git', outcome: 'ok', seen: 'git version 2\ncommits are by A', durationMs: 1 },
      { name: 'disk', outcome: 'failed', seen: 'full', fix: 'df -h\nrm x', durationMs: 1 },
    ],
  });
  expect(text).toBe(
    [
      'ok       git   git version 2',
      '               commits are by A',
      'failed   disk  full',
      '               fix: df -h',
      '                    rm x',
      '',
      '1 ok, 1 failed in 1.2 s',
      '',
    ].join('\n'),
  );
});
