import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { formatMarkdownReport } from '../../../lib/vendor-tests/report-markdown.ts';
import { formatTapReport } from '../../../lib/vendor-tests/report-tap.ts';
import { listFailed, tallyTests } from '../../../lib/vendor-tests/tally.ts';
import { describeWithOriginal } from '../../helpers/conformance-original.ts';
import { originalTree } from '../../helpers/conformance-tree.ts';
import { useVendorTests, VERSION, type VendorTestWorld } from '../../helpers/vendor-test-world.ts';
import { fixtureFile, recordsOf, SCENES } from '../../lib/vendor-tests/fixture-records.ts';

const tree = originalTree();

describeWithOriginal("the reports beside the original's", () => {
  const stage = useVendorTests();
  const script = `set -euo pipefail
    source ci-automation/tapfile_helper_lib.sh
    what=$1 detailed=$2 vendor=$3; shift 3
    while [ $# -gt 0 ]; do tap_ingest_tapfile "$1" "$2" "$3"; shift 3; done
    if [ "$what" = failed ]; then tap_failed_tests_for_vendor "$vendor"
    else tap_generate_report amd64 1.2.3+x "$what" "$detailed"; fi`;

  it.each(Object.entries(SCENES))(
    'are the same bytes: %s',
    (_name, scene) => {
      const records = recordsOf(scene);
      const vendors = records.map(({ vendor }) => vendor);
      const [first = ''] = vendors;
      const original = (what: string, detailed: boolean): string => {
        const world = stage.make({ cloneOf: tree });
        const runs = scene.flatMap(([file, vendor, run]) => [fixtureFile(file), vendor, String(run)]);
        const words = ['-c', script, 'bash', what, String(detailed), first, ...runs];
        return execFileSync('bash', words, {
          cwd: world.tree,
          encoding: 'utf8',
          env: { ...process.env, LC_ALL: 'C.UTF-8' },
        });
      };
      expect(original('failed', false)).toBe(
        listFailed(records, first)
          .map((name) => `${name}\n`)
          .join(''),
      );
      for (const detailed of [false, true]) {
        const options = { version: '1.2.3+x', arch: 'amd64', vendors, detailed };
        expect(formatTapReport(tallyTests(records), options)).toBe(original('tap', detailed));
        expect(formatMarkdownReport(tallyTests(records), options)).toBe(original('md', detailed));
      }
    },
    60_000,
  );
});

const VARIABLES = ['QEMU_IMAGE_NAME', 'QEMU_UEFI_FIRMWARE', 'QEMU_UEFI_OVMF_VARS']
  .map((name) => `export ${name}="/work/README.md"\n`)
  .join('');

/** A call of the step, and its settings. */
type Call = readonly [words: readonly string[], env?: Readonly<Record<string, string>>];

/** What is played on both sides: calls one after the other, tests that fail so often, variables for the container. */
interface Scenario {
  readonly calls: readonly Call[];
  readonly fails?: readonly string[];
  readonly variables?: string;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'all pass': { calls: [[['amd64', 'qemu_uefi']]] },
  'some pass later, some never': {
    calls: [[['amd64', 'qemu_uefi']]],
    fails: ['os.flaky@main 2', 'os.bad@main 99', 'odd \\[name\\] ✓@main 1'],
  },
  'tests that were asked for': {
    calls: [[['amd64', 'qemu', 'os.basic', 'cl.*', 'a b', '$(x)']]],
    fails: ['a b@main 1', '$(x)@main 1'],
  },
  'two vendors in one workspace': {
    calls: [[['amd64', 'qemu_uefi']], [['amd64', 'qemu', 'other.*', 'other.bad']]],
    fails: ['os.flaky@main 1', 'other.bad@main 99'],
  },
  'several instances': {
    calls: [[['amd64', 'aws']]],
    fails: ['cl.internet@m4.2xlarge 2', 'os.flaky@t3.small 1'],
    variables:
      'export AWS_AMI_ID="ami-1"\nexport AWS_ACCESS_KEY_ID="key-of-aws"\nexport AWS_SECRET_ACCESS_KEY="secret-of-aws"\n',
  },
  'an architecture that the vendor does not have': { calls: [[['arm64', 'qemu'], { SKIP_COPY_TO_BINCACHE: '1' }]] },
};

/** Texts of all files below a folder that match, by their paths. */
const textsOf = (folder: string, pattern: string): Record<string, string> => {
  if (!existsSync(folder)) return {};
  const words = [folder, '(', '-type', 'f', '-o', '-type', 'l', ')', '-regex', pattern, '-printf', '%P\t%y\t%l\n'];
  const lines = execFileSync('find', words, { encoding: 'utf8' }).split('\n').filter(Boolean).sort();
  return Object.fromEntries(
    lines.map((line) => {
      const [path = '', kind, target = ''] = line.split('\t');
      return [path, kind === 'l' ? `link to ${target}` : readFileSync(join(folder, path), 'utf8')];
    }),
  );
};

/** kola calls of instances that run at the same time come in any order. */
const kolaCalls = (world: VendorTestWorld): string[] => world.read('kola-calls').split('\x1e').sort();

const portless = (text: string): string => text.replaceAll(/127\.0\.0\.1:\d+/g, 'REGISTRY');

describeWithOriginal("the step beside the original's", () => {
  const stage = useVendorTests({ kola: readFileSync(join(import.meta.dirname, 'kola.sh'), 'utf8') }, [
    'sqlite3',
    'zstd',
  ]);

  const play = async ({ calls, fails = [], variables = VARIABLES }: Scenario, side: 'bash' | 'slipway') => {
    const world = stage.make({ cloneOf: tree });
    world.write('sdk_container/.env', variables);
    world.write('kola-fails', fails.map((line) => `${line}\n`).join(''));
    // The original's mkdir runs on the server, and ours needs none; both sides have the folder.
    mkdirSync(join(world.cache, 'testing'), { recursive: true });
    const exitCodes: (number | undefined)[] = [];
    for (const [words, env = {}] of calls) {
      const all = { MAX_RETRIES: '4', ...env };
      const end = side === 'bash' ? await stage.runOriginal(world, words, all) : await world.run(words, all);
      if (/^error (?!VENDOR_TESTS_FAILED)/m.test(end.log)) throw new Error(end.log);
      exitCodes.push(end.exitCode);
    }
    return {
      exitCodes,
      runs: world
        .takeRuns()
        .filter((words) => !words.includes('ci-automation/test_update_reruns.sh'))
        .map((words) => words.map((word) => portless(word.replace(world.folder, 'WORLD')))),
      kola: kolaCalls(world),
      cleanup: world.read('ci-cleanup.sh'),
      work: textsOf(
        join(world.tree, '__TESTS__'),
        String.raw`.*/\(git_version\|git_channel\|first_run\|break_retests\|[^/]*\.\(tap\|txt\)\)`,
      ),
      reports: textsOf(world.tree, String.raw`${world.tree}/results-[^/]*\.\(tap\|md\)`),
      published: textsOf(world.cache, `${world.cache}/testing/.*`),
    };
  };

  it.each(Object.entries(SCENARIOS))(
    '%s',
    async (_name, scenario) => {
      const bash = await play(scenario, 'bash');
      const slipway = await play(scenario, 'slipway');
      const own = Object.keys(slipway.published).filter((path) => path.endsWith('.xml'));
      for (const path of own) delete slipway.published[path];
      // The original publishes what begins with the vendor's name: the reports of qemu_uefi as qemu's, too.
      for (const path of Object.keys(bash.published))
        if (path.includes('/qemu/results-qemu_')) delete bash.published[path];
      expect(slipway).toEqual(bash);
      expect(bash.runs.length).toBeGreaterThan(0);
      expect(own).toHaveLength(Object.keys(slipway.published).length > 0 ? scenario.calls.length : 0);
    },
    120_000,
  );

  it('is about the version that the tree has', () => {
    expect(stage.make({ cloneOf: tree }).read('sdk_container/.repo/manifests/version.txt')).toContain(VERSION);
  });
});
