import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { useVendorTests, VERSION, type VendorTestWorld } from '../../helpers/vendor-test-world.ts';

const stage = useVendorTests();
const CONTAINER = 'flatcar-tests-amd64-4799.0.0-nightly-20260821-2100-qemu';
let world: VendorTestWorld;
beforeEach(() => {
  world = stage.make();
});

/** Files and links, none of which is followed. */
const listTree = (folder: string): string[] =>
  execFileSync('find', [folder, '!', '-type', 'd', '-printf', '%P\\n'], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
    .sort();

const published = (vendor = 'qemu'): string[] => {
  const folder = join(world.cache, 'testing', VERSION, 'amd64', vendor);
  return existsSync(folder) ? listTree(folder) : [];
};

const publishedText = (name: string): string =>
  readFileSync(join(world.cache, 'testing', VERSION, 'amd64', 'qemu', name), 'utf8');

const askedFor = (): string[][] => world.takeCalls().map(({ args }) => args.slice(5));

const REPORTS = [
  'results-qemu-detailed.md',
  'results-qemu-detailed.tap',
  'results-qemu.md',
  'results-qemu.tap',
  'results-qemu.xml',
];

describe('tests that all pass', () => {
  it('are run once, in the container and with the arguments of the original', async () => {
    world.behave('qemu', "results 'ok - os.basic' 'ok - os.net'; kola_files");
    expect(await world.run(['amd64', 'qemu'])).toMatchObject({ exitCode: 0 });
    expect(world.takeRuns()).toEqual([
      [
        ...['run', '--pull', 'always', '--rm', `--name=${CONTAINER}`, '--privileged', '--net', 'host'],
        ...['-v', '/dev:/dev', '-w', '/work', '-v', `${world.tree}:/work`, stage.image(), 'bash', '-c'],
        'git config --global --add safe.directory /work &&                   source sdk_container/.env &&                   ' +
          `ci-automation/vendor-testing/qemu.sh __TESTS__ __TESTS__/qemu amd64 ${VERSION} results-run-1.tap \\*`,
      ],
    ]);
    expect(world.takeCalls()).toEqual([
      {
        ...{ vendor: 'qemu', isFirst: true, cwd: '/work' },
        args: ['__TESTS__', '__TESTS__/qemu', 'amd64', VERSION, 'results-run-1.tap', '*'],
      },
    ]);
  });

  it('leave the files that they should: facts for the scripts, the clean-up line, an empty file of variables, no mark', async () => {
    world.behave('qemu', "results 'ok - os.basic'");
    await world.run(['amd64', 'qemu']);
    expect(world.read('__TESTS__/git_version')).toBe('stable-4799.0.0-nightly-20260821-2100\n');
    expect(world.read('__TESTS__/git_channel')).toBe('stable\n');
    expect(world.read('ci-cleanup.sh')).toBe(`docker rm -f '${CONTAINER}'\n`);
    expect([world.exists('sdk_container/.env'), world.read('sdk_container/.env')]).toEqual([true, '']);
    expect(world.exists('__TESTS__/first_run')).toBe(false);
    expect(world.read('__TESTS__/qemu/failed-run-1.txt')).toBe('');
  });

  it('are published once each, without digests and signatures (defect 44)', async () => {
    world.behave('qemu', "results 'ok - os.basic'; kola_files");
    const { log } = await world.run(['amd64', 'qemu']);
    const kola = ['_kola_temp/qemu-1/os.basic/journal.txt', '_kola_temp/qemu-latest'];
    expect(published()).toEqual([...kola, ...REPORTS, 'results-run-1.tap']);
    expect(log).toContain('8 files go to testing/');
  });

  it('are not published when that is not wanted', async () => {
    world.behave('qemu', "results 'ok - os.basic'");
    await world.run(['amd64', 'qemu'], { SKIP_COPY_TO_BINCACHE: '1' });
    expect(published()).toEqual([]);
    expect(world.read('results-qemu.tap')).toContain('ok - os.basic');
  });

  it('are published without what kola never got to make (defect 16)', async () => {
    world.behave('qemu', "results 'ok - skipped all tests'");
    expect(await world.run(['amd64', 'qemu'])).toMatchObject({ exitCode: 0 });
    expect(published()).toEqual([...REPORTS, 'results-run-1.tap']);
  });

  it('are published without what cannot be: pipes, links to elsewhere', async () => {
    world.behave(
      'qemu',
      "results 'ok - a'; kola_files; mkfifo _kola_temp/pipe; ln -s /etc/passwd _kola_temp/elsewhere; ln -s nowhere _kola_temp/dangling; touch '_kola_temp/odd  $(name)'",
    );
    const { exitCode, log } = await world.run(['amd64', 'qemu']);
    expect(exitCode).toBe(0);
    expect(published().filter((name) => name.startsWith('_kola_temp'))).toEqual([
      '_kola_temp/dangling',
      '_kola_temp/odd  $(name)',
      '_kola_temp/qemu-1/os.basic/journal.txt',
      '_kola_temp/qemu-latest',
    ]);
    expect(log).toMatch(/Not published: .*\/pipe \(no regular file\)/);
    expect(log).toMatch(/Not published: .*\/elsewhere \(a link to \/etc\/passwd/);
  });

  it('count also when the script itself ends badly, and that is said', async () => {
    world.behave('qemu', "results 'ok - os.basic'; exit 7");
    const { exitCode, log } = await world.run(['amd64', 'qemu']);
    expect(exitCode).toBe(0);
    expect(log).toContain('The vendor script ended with exit code 7');
  });
});

describe('tests that fail', () => {
  it('are run again, and only they, until they pass', async () => {
    world.behave('qemu', "results 'ok - a' 'not ok - b' 'not ok - c'", 1);
    world.behave('qemu', "results 'ok - b' 'not ok - c'", 2);
    world.behave('qemu', "results 'ok - c'", 3);
    expect(await world.run(['amd64', 'qemu', 'a*', 'b', 'c'])).toMatchObject({ exitCode: 0 });
    const calls = world.takeCalls();
    expect(calls.map(({ args }) => args.slice(4))).toEqual([
      ['results-run-1.tap', 'a*', 'b', 'c'],
      ['results-run-2.tap', 'b', 'c'],
      ['results-run-3.tap', 'c'],
    ]);
    expect(calls.map(({ isFirst }) => isFirst)).toEqual([true, false, false]);
    expect(world.read('__TESTS__/qemu/failed-run-1.txt')).toBe('b\nc\n');
    expect(world.read('results-qemu.tap')).toContain(
      'ok - c\n   ---\n   Succeeded: qemu (3)\n   Failed: qemu (1, 2)\n   ...\n',
    );
  });

  it('are run at most MAX_RETRIES times in all, and are published all the same', async () => {
    world.behave('qemu', "results 'not ok - a'");
    const { exitCode, log } = await world.run(['amd64', 'qemu'], { MAX_RETRIES: '2' });
    expect(exitCode).toBe(1);
    expect(log).toContain('error VENDOR_TESTS_FAILED: 1 of 1 tests on qemu never passed in 2 runs.');
    expect(world.takeCalls()).toHaveLength(2);
    expect(published()).toEqual([...REPORTS, 'results-run-1.tap', 'results-run-2.tap']);
  });

  it('are not run again when the script says that it makes no sense', async () => {
    world.behave('qemu', "results 'not ok - all'; touch ../break_retests; exit 1");
    expect(await world.run(['amd64', 'qemu'])).toMatchObject({ exitCode: 1 });
    expect(world.takeCalls()).toHaveLength(1);
    expect(world.exists('__TESTS__/break_retests')).toBe(false);
  });

  it('keep their names on the way to the script, whatever is in them, and none of it is executed (defect 17)', async () => {
    const names = [
      'extra-test.[m4.2xlarge].os.internet',
      `it's "quoted"`,
      '$(touch /work/executed)',
      '`touch /work/executed`',
      'a; touch /work/executed',
      '*',
      'os.[ab]?',
      'ünï ✓',
      'back\\slash',
      '-n',
      'a - b',
    ];
    world.write('names', `${names.join('\n')}\n`);
    world.behave('qemu', 'mapfile -t names </work/names; results "${names[@]/#/not ok - }"', 1);
    world.behave('qemu', 'results "${@/#/ok - }"', 2);
    expect(await world.run(['amd64', 'qemu'])).toMatchObject({ exitCode: 0 });
    expect(askedFor()).toEqual([['*'], names]);
    expect(world.exists('executed')).toBe(false);
    expect(world.read('results-qemu.tap')).toContain(`ok - it's "quoted"\n   ---\n   Succeeded: qemu (2)`);
  });
});

describe('results that are not complete', () => {
  it.each([
    ['an empty file', ': >"$tap"'],
    ['no file', 'exit 1'],
    ['a plan and nothing else', 'echo 1..5 >"$tap"'],
    ['fewer results than announced', `printf '1..3\\nok - a\\nok - b\\n' >"$tap"`],
    ['a block without an end', `printf '1..1\\nnot ok - a\\n  ---\\n  Err' >"$tap"`],
    ['an empty file of a script that says that all is well', ': >"$tap"; exit 0'],
  ])('%s: the run counts as failed (defects 12 and 15)', async (_what, script) => {
    world.behave('qemu', `kola_files; ${script}`);
    const { exitCode, log } = await world.run(['amd64', 'qemu'], { MAX_RETRIES: '2' });
    expect(exitCode).toBe(1);
    expect(log).toContain('The TAP file of this run is not whole');
    expect(world.read('results-qemu.tap')).toContain('not ok - slipway.complete-results\n');
    expect(world.read('results-qemu.xml')).toContain('<failure');
    expect(published()).toEqual(expect.arrayContaining(['_kola_temp/qemu-1/os.basic/journal.txt', ...REPORTS]));
    expect(askedFor()).toHaveLength(2);
  });

  it('are asked for again as in a first run when nobody knows what is missing', async () => {
    world.behave('qemu', 'exit 1', 1);
    world.behave('qemu', "results 'ok - a' 'not ok - b'", 2);
    world.behave('qemu', "results 'ok - b'", 3);
    expect(await world.run(['amd64', 'qemu'])).toMatchObject({ exitCode: 0 });
    expect(world.takeCalls().map(({ isFirst, args }) => [isFirst, ...args.slice(5)])).toEqual([
      [true, '*'],
      [true, '*'],
      [false, 'b'],
    ]);
    expect(world.read('results-qemu.tap')).toContain('ok - slipway.complete-results\n   ---\n   Succeeded: qemu (2)');
  });

  it('are asked for by name when the names are known', async () => {
    world.behave('qemu', `printf '1..3\\nok - a\\n' >"$tap"`, 1);
    world.behave('qemu', "results 'ok - b' 'ok - c'", 2);
    expect(await world.run(['amd64', 'qemu', 'a', 'b', 'c'])).toMatchObject({ exitCode: 0 });
    expect(askedFor()).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ]);
  });
});

describe('what an earlier call left', () => {
  it('does not make a failing test pass (defect 13)', async () => {
    world.behave('qemu', "results 'ok - a'");
    expect(await world.run(['amd64', 'qemu'])).toMatchObject({ exitCode: 0 });
    world.behave('qemu', "results 'not ok - a'");
    expect(await world.run(['amd64', 'qemu'], { MAX_RETRIES: '1' })).toMatchObject({ exitCode: 1 });
    expect(world.read('results-qemu.tap')).not.toContain('Succeeded');
  });

  it('does not make a passing call fail, and is not published', async () => {
    world.behave('qemu', "results 'not ok - old'; kola_files");
    await world.run(['amd64', 'qemu']);
    world.write('__TESTS__/break_retests', '');
    world.write('__TESTS__/qemu/instance_x_validate.tap', '1..1\nnot ok - stale\n');
    world.behave('qemu', "results 'not ok - new'", 1);
    world.behave('qemu', "results 'ok - new'", 2);
    expect(await world.run(['amd64', 'qemu'], { BUILDCACHE_DIR: join(world.folder, 'cache') })).toMatchObject({
      exitCode: 0,
    });
    expect(readdirSync(join(world.tree, '__TESTS__/qemu')).sort()).toEqual([
      'failed-run-1.txt',
      'failed-run-2.txt',
      'results-run-1.tap',
      'results-run-2.tap',
      'results.jsonl',
    ]);
    expect(publishedText('results-qemu.tap')).not.toContain('old');
  });

  it('of another vendor stays in the reports; a vendor that is run again starts afresh', async () => {
    world.behave('qemu', "results 'ok - a' 'not ok - b'");
    world.behave('qemu_update', "results 'ok - a'");
    await world.run(['amd64', 'qemu'], { MAX_RETRIES: '1' });
    await world.run(['amd64', 'qemu_update']);
    expect(world.read('results-qemu_update.tap')).toBe(
      [
        '1..3',
        `ok - Version: ${VERSION}, Architecture: amd64`,
        ...['   ---', '   Platforms tested: qemu qemu_update ', '   ...'],
        ...['ok - a', '   ---', '   Succeeded: qemu (1); qemu_update (1)', '   ...'],
        ...[
          'not ok - b',
          '   ---',
          '   Failed: qemu (1)',
          '   Error messages for qemu, run 1:',
          '      L1: "  "',
          '   ...',
          '',
        ],
      ].join('\n'),
    );
    expect(world.read('results-qemu_update.xml')).not.toContain('name="b"');
    world.behave('qemu', "results 'ok - b'");
    await world.run(['amd64', 'qemu']);
    expect(world.read('results-qemu.tap')).toContain(
      'ok - a\n   ---\n   Succeeded: qemu_update (1)\n   ...\nok - b\n   ---\n   Succeeded: qemu (1)\n',
    );
  });
});

describe('secrets', () => {
  it('reach the script and nothing that is written or published (defect 36)', async () => {
    const secret = `s3cret'$x y`;
    world.write(
      'sdk_container/.env',
      `export AKAMAI_TOKEN="s3cret'\\$x y"\nexport QEMU_IMAGE_NAME="/work/image.bin"\n`,
    );
    world.behave(
      'qemu',
      `printf '%s' "$AKAMAI_TOKEN" >/work/got
      made=$(printf 'made-%s' at-run-time)
      set -x; : kola run --akamai-token="$AKAMAI_TOKEN" --hetzner-token="$made" --image="$QEMU_IMAGE_NAME"; set +x
      printf '1..1\\nnot ok - a\\n  ---\\n  token is %s\\n  ...\\n' "$AKAMAI_TOKEN" >"$tap"`,
    );
    for (const words of [
      ['amd64', 'qemu'],
      ['--json', 'amd64', 'qemu'],
    ]) {
      const { log } = await world.run(words, { MAX_RETRIES: '1' });
      expect(world.read('got')).toBe(secret);
      expect(log).toContain('--akamai-token=');
      expect(log).toContain('/work/image.bin');
      expect(log).not.toContain('s3cret');
      expect(log).not.toContain('made-at-run-time');
      for (const name of published()) expect(publishedText(name)).not.toContain('s3cret');
      if (words[0] === '--json') {
        for (const line of log.split('\n').filter((one) => one.startsWith('{')))
          expect(() => JSON.parse(line)).not.toThrow();
      }
    }
  });
});

describe('10,000 tests', () => {
  it('are read, reported and run again (defect 14)', async () => {
    world.behave(
      'qemu',
      `{ echo 1..10000; for ((i = 0; i < 10000; i += 1)); do if ((i % 100)); then echo "ok - t.$i"; else echo "not ok - t.$i"; fi; done; } >"$tap"`,
      1,
    );
    world.behave('qemu', 'results "${@/#/ok - }"', 2);
    expect(await world.run(['amd64', 'qemu'])).toMatchObject({ exitCode: 0 });
    expect(askedFor()[1]).toHaveLength(100);
    expect(world.read('results-qemu.tap').match(/^ok - t\./gm)).toHaveLength(10_000);
  }, 60_000);

  it('that all fail have too many names for a command line, so everything is asked for again', async () => {
    world.behave(
      'qemu',
      `{ echo 1..10000; for ((i = 0; i < 10000; i += 1)); do echo "not ok - some.longer.name.$i"; done; } >"$tap"`,
      1,
    );
    world.behave(
      'qemu',
      `{ echo 1..10000; for ((i = 0; i < 10000; i += 1)); do echo "ok - some.longer.name.$i"; done; } >"$tap"`,
      2,
    );
    expect(await world.run(['amd64', 'qemu', 'some.*'])).toMatchObject({ exitCode: 0 });
    expect(askedFor()).toEqual([['some.*'], ['some.*']]);
  }, 60_000);
});

describe('an interrupted step', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    '(%s) removes its container, keeps what it has, and can be run again',
    async (signal, exitCode) => {
      world.behave('qemu', "results 'ok - a' 'not ok - b'", 1);
      world.behave('qemu', 'touch /work/hangs; while :; do sleep 0.1; done', 2);
      const step = world.start(['amd64', 'qemu']);
      await step.until(() => world.exists('hangs'));
      step.signal(signal);
      expect(await step.done).toMatchObject({ exitCode });
      expect(world.containers(CONTAINER)).toEqual([]);
      expect(world.read('results-qemu.tap')).toContain('not ok - b');
      expect(world.exists('__TESTS__/qemu/results-run-1.tap')).toBe(true);
      world.behave('qemu', "results 'ok - b'", 2);
      expect(await world.run(['amd64', 'qemu'])).toMatchObject({ exitCode: 0 });
    },
    60_000,
  );

  it('(SIGKILL) can be run again although its container is still at work', async () => {
    world.behave('qemu', 'touch /work/hangs; while :; do sleep 0.1; done');
    const step = world.start(['amd64', 'qemu']);
    await step.until(() => world.exists('hangs'));
    step.signal('SIGKILL');
    await step.done;
    world.behave('qemu', "results 'ok - a'");
    expect(await world.run(['amd64', 'qemu'])).toMatchObject({ exitCode: 0 });
    expect(world.containers(CONTAINER)).toEqual([]);
  }, 60_000);
});

describe('refused before anything happens, with exit code 2', () => {
  it.each([
    ['a vendor without a script', ['amd64', 'qenu'], {}, "There is no test script for 'qenu'. Did you mean 'qemu'?"],
    ['a script that cannot be executed', ['amd64', 'notes'], {}, 'akamai, qemu, qemu_update'],
    ['a vendor that is a path', ['amd64', '../qemu'], {}, 'FORMAT_UNKNOWN'],
    ['a vendor that is code', ['amd64', 'qemu;id'], {}, 'FORMAT_UNKNOWN'],
    ['an architecture that nobody knows', ['mips', 'qemu'], {}, 'mips'],
    ['a folder outside of the tree', ['amd64', 'qemu'], { TEST_WORK_DIR: '../x' }, 'TEST_FOLDER_INVALID'],
    ['no run at all', ['amd64', 'qemu'], { MAX_RETRIES: '0' }, 'TEST_RUNS_INVALID'],
  ])('%s', async (_what, words, env, text) => {
    const { exitCode, log } = await world.run(words, env);
    expect([exitCode, log]).toEqual([2, expect.stringContaining(text)]);
    expect([world.exists('__TESTS__'), world.exists('ci-cleanup.sh'), world.takeRuns()]).toEqual([false, false, []]);
  });

  it('a tree that does not say which image has the test tools', async () => {
    world.write('sdk_container/.repo/manifests/mantle-container', '\n');
    expect(await world.run(['amd64', 'qemu'])).toMatchObject({ exitCode: 2 });
  });
});

describe('settings', () => {
  it('MANTLE_REF names another image, which must be there to be pulled', async () => {
    world.behave('qemu', "results 'ok - a'");
    const image = stage
      .image()
      .replace(/[^/]+$/, 'nothing:1')
      .replace(/:\d+\//, ':1/');
    const { exitCode, log } = await world.run(['amd64', 'qemu'], { MANTLE_REF: image });
    expect(exitCode).toBe(1);
    expect(log).toContain('error TEST_CONTAINER_FAILED');
    expect(world.takeRuns()).toHaveLength(1);
  });

  it('TEST_WORK_DIR names another folder', async () => {
    world.behave('qemu', "results 'ok - a'");
    expect(await world.run(['amd64', 'qemu'], { TEST_WORK_DIR: 'work' })).toMatchObject({ exitCode: 0 });
    expect(world.takeCalls()[0]?.args.slice(0, 2)).toEqual(['work', 'work/qemu']);
    expect(world.exists('work/git_version')).toBe(true);
  });

  it('--plan says what would be run, and changes nothing', async () => {
    const { exitCode, log } = await world.run(['--plan', 'amd64', 'qemu']);
    expect(exitCode).toBe(0);
    expect(log).toContain('would run: docker run --pull always');
    expect(log).toContain('would publish to testing/');
    expect([world.exists('__TESTS__'), world.exists('ci-cleanup.sh'), world.takeRuns()]).toEqual([false, false, []]);
  });
});
