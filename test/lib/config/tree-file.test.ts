import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  describeSettings,
  formatImported,
  importSettings,
  type LoadedSettings,
  loadSettings,
  readShellFile,
  secretsOf,
} from '../../../lib/config/index.ts';
import { fc } from '../../helpers/fast-check.ts';

let tree = '';
beforeEach(async () => {
  tree = await mkdtemp(join(tmpdir(), 'tree-file-'));
});
afterEach(() => rm(tree, { recursive: true }));

/** What an operator of the original adapts: some settings that the environment may override, some that it may not. */
const ADAPTED = [
  'BUILDCACHE_SERVER="${BUILDCACHE_SERVER:-cache.example.org}"',
  'BUILDCACHE_PATH_PREFIX="/mnt/cache"',
  'CONTAINER_REGISTRY="registry.example.org/${TEAM:-os}"',
  ': ${AVOID_NIGHTLY_BUILD_SHORTCUTS:=1}',
  'QEMU_PARALLEL="${PARALLEL_TESTS:-20}"',
  'TEST_REPORT_FORMATS=("tap" "md")',
  'if ! command -v zstd > /dev/null; then',
  '  echo >&2 "no zstd"',
  'fi',
  '',
].join('\n');

interface Given {
  readonly text?: string;
  readonly env?: Record<string, string>;
  readonly flags?: Record<string, string>;
  /** Of our own `ci-config.env`. */
  readonly ours?: string;
}

const load = async ({
  text = ADAPTED,
  env: given = {},
  flags = {},
  ours = '',
}: Given = {}): Promise<LoadedSettings> => {
  const env = { HOME: '/home/me', ...given };
  const file = join(tree, 'theirs.env');
  await writeFile(file, text);
  const own = join(tree, 'ci-config.env');
  await writeFile(own, ours);
  const treeFile = await readShellFile(file, env, tree);
  return loadSettings({ flags, env, files: [{ file: own, mustExist: false }], treeFile, cwd: tree });
};

const NONE: readonly string[] = [];

describe('who decides', () => {
  it('the file, with its line, when nobody else says anything', async () => {
    const loaded = await load();
    expect(loaded.values).toMatchObject({
      BUILDCACHE_SERVER: 'cache.example.org',
      BUILDCACHE_URL: 'https://cache.example.org',
      BUILDCACHE_PATH_PREFIX: '/mnt/cache',
      CONTAINER_REGISTRY: 'registry.example.org/os',
      AVOID_NIGHTLY_BUILD_SHORTCUTS: true,
    });
    const shown = describeSettings(loaded).find(({ name }) => name === 'BUILDCACHE_PATH_PREFIX');
    expect(shown?.from).toBe(`${join(tree, 'theirs.env')}:2`);
    expect({ warnings: loaded.warnings, unread: loaded.unread }).toEqual({ warnings: NONE, unread: NONE });
  });

  it('the environment where the file asks it, an empty variable being none', async () => {
    const env = { BUILDCACHE_SERVER: 'mine.example.org', AVOID_NIGHTLY_BUILD_SHORTCUTS: '0', TEAM: 'us' };
    const { values, origins, warnings } = await load({ env });
    expect(values).toMatchObject({
      BUILDCACHE_SERVER: 'mine.example.org',
      AVOID_NIGHTLY_BUILD_SHORTCUTS: false,
      CONTAINER_REGISTRY: 'registry.example.org/us',
    });
    expect(origins.BUILDCACHE_SERVER).toEqual({ kind: 'environment' });
    expect(warnings).toEqual(NONE);
    expect((await load({ env: { BUILDCACHE_SERVER: '' } })).values.BUILDCACHE_SERVER).toBe('cache.example.org');
  });

  it('the file, and not the environment, where it does not ask; the log says so, but not the value', async () => {
    const { values, warnings } = await load({ env: { BUILDCACHE_PATH_PREFIX: '/srv/secret' } });
    expect(values.BUILDCACHE_PATH_PREFIX).toBe('/mnt/cache');
    expect(warnings).toEqual([expect.stringContaining("The environment's BUILDCACHE_PATH_PREFIX does not count")]);
    expect(warnings[0]).toContain(`${join(tree, 'theirs.env')}:2`);
    expect(warnings[0]).not.toContain('/srv/secret');
  });

  it('nobody is warned when both say the same', async () => {
    expect((await load({ env: { BUILDCACHE_PATH_PREFIX: '/mnt/cache' } })).warnings).toEqual(NONE);
  });

  it('a flag before all, and our own file before theirs', async () => {
    const env = { BUILDCACHE_PATH_PREFIX: '/from/environment' };
    const flags = { BUILDCACHE_PATH_PREFIX: '/from/flag' };
    expect((await load({ env, flags })).values.BUILDCACHE_PATH_PREFIX).toBe('/from/flag');
    const ours = 'BUILDCACHE_PATH_PREFIX=/from/ours\n';
    expect((await load({ ours })).values.BUILDCACHE_PATH_PREFIX).toBe('/from/ours');
    const { values, warnings } = await load({ env, ours });
    expect(values.BUILDCACHE_PATH_PREFIX).toBe('/from/environment');
    expect(warnings).toEqual(NONE);
  });

  it('an empty flag too: how to get the local folder in a tree that names a server', async () => {
    const text = 'BUILDCACHE_SERVER="${BUILDCACHE_SERVER:-cache.example.org}"\n';
    expect((await load({ text })).values.BUILDCACHE_SERVER).toBe('cache.example.org');
    const { values } = await load({ text, flags: { BUILDCACHE_SERVER: '' } });
    expect(values).toMatchObject({ BUILDCACHE_SERVER: '', BUILDCACHE_URL: '' });
  });

  it('takes relative paths against the root of the tree, as a shell there would', async () => {
    const { values } = await load({ text: 'SIGNING_KEY=keys/key.asc\nTRUSTED_KEYS=~/trusted' });
    expect(values).toMatchObject({ SIGNING_KEY: join(tree, 'keys/key.asc'), TRUSTED_KEYS: '/home/me/trusted' });
  });

  it('does not mind keys that it does not know, however near to ours', async () => {
    await expect(load({ text: 'BUILDCACHE_SERVR=x\nSIGNERR=y' })).resolves.toMatchObject({ warnings: NONE });
  });

  it('names file and line of a value that is none', async () => {
    const refused = load({ text: '\nMAX_RETRIES=many' });
    await expect(refused).rejects.toMatchObject({
      data: { faults: [{ where: `${join(tree, 'theirs.env')}:2`, text: "MAX_RETRIES: 'many' is not a whole number" }] },
    });
  });
});

describe('what only a shell could evaluate', () => {
  const text = 'BUILDCACHE_USER=$(id -un)\nif true; then\n  CONTAINER_REGISTRY=x\nfi\nMAX_RETRIES=3';

  it('is named where nobody else sets the value; the default would be a silent mistake', async () => {
    const { unread, values, warnings } = await load({ text });
    expect(unread).toEqual([
      { where: `${join(tree, 'theirs.env')}:1`, text: 'BUILDCACHE_USER: a command substitution ($(id -un))' },
      { where: `${join(tree, 'theirs.env')}:2`, text: "CONTAINER_REGISTRY: the command 'if'" },
    ]);
    expect(values.MAX_RETRIES).toBe(3);
    expect(warnings).toEqual(NONE);
  });

  it('gives way to the environment, with a warning, and to a flag, without', async () => {
    const env = { BUILDCACHE_USER: 'me' };
    const { values, unread, warnings } = await load({ text, env, flags: { CONTAINER_REGISTRY: 'r' } });
    expect(values).toMatchObject({ BUILDCACHE_USER: 'me', CONTAINER_REGISTRY: 'r' });
    expect(unread).toEqual(NONE);
    expect(warnings).toEqual([expect.stringContaining('sets BUILDCACHE_USER by a command substitution')]);
  });

  it('is worth a warning when it may set anything, and none when it sets nothing of ours', async () => {
    expect((await load({ text: 'source /etc/ci.env' })).warnings).toEqual([
      `${join(tree, 'theirs.env')}:1 is not executed, and what it may set is not known here: source /etc/ci.env`,
    ]);
    expect((await load({ text: 'echo hello; QEMU_PARALLEL=$(nproc)' })).warnings).toEqual(NONE);
  });
});

describe('import', () => {
  const roundTrip = async (
    text: string,
    env: Record<string, string> = {},
  ): Promise<[LoadedSettings, LoadedSettings]> => {
    const imported = formatImported(importSettings(text, { HOME: '/home/me', ...env }, tree), 'theirs.env');
    const before = await load({ text, env });
    return [before, await load({ text: '', env, ours: imported })];
  };

  it('writes only our settings that are not the default, with their lines', () => {
    const imported = importSettings(
      `${ADAPTED}BUILDCACHE_USER=bincache\nREGISTRY_PASSWORD=hunter2\n`,
      { TEAM: 'us' },
      '/',
    );
    expect(formatImported(imported, 'ci-automation/ci-config.env')).toBe(
      [
        "# Settings of Slipway's steps, made from ci-automation/ci-config.env; to be put in the root of the OS tree.",
        '',
        '# ci-automation/ci-config.env:1',
        'BUILDCACHE_SERVER=cache.example.org',
        '',
        '# ci-automation/ci-config.env:2',
        '# There it wins over the environment; here the environment and --buildcache-path-prefix win.',
        'BUILDCACHE_PATH_PREFIX=/mnt/cache',
        '',
        '# ci-automation/ci-config.env:3',
        '# There it wins over the environment; here the environment and --container-registry win.',
        '# Made with TEAM of the environment, as it is now.',
        'CONTAINER_REGISTRY=registry.example.org/us',
        '',
        '# ci-automation/ci-config.env:4',
        'AVOID_NIGHTLY_BUILD_SHORTCUTS=1',
        '',
      ].join('\n'),
    );
    expect(imported.others).toEqual(['QEMU_PARALLEL', 'TEST_REPORT_FORMATS']);
    expect(imported.unread).toMatchObject([{ line: 7, endLine: 9, what: "the command 'if'" }]);
    expect(imported.missing).toEqual([
      { name: 'REGISTRY_PASSWORD', line: 11, reason: expect.stringContaining('secret') },
    ]);
  });

  it('does not import what the environment says', () => {
    const { settings } = importSettings(ADAPTED, { BUILDCACHE_SERVER: 'of.this.shell' }, '/');
    expect(settings[0]).toMatchObject({ name: 'BUILDCACHE_SERVER', value: 'cache.example.org' });
  });

  it('gives the same settings as the original file', async () => {
    const [before, after] = await roundTrip(ADAPTED, { TEAM: 'us' });
    expect(after.values).toEqual(before.values);
  });

  it('writes any value so that it is read back, or says that it cannot', async () => {
    const value = fc.string({
      unit: fc.constantFrom('a', ' ', '"', "'", '`', '$', '{', '}', 'A', '\\', '#', '\n', '=', 'é', '$&', '${HOME}'),
    });
    await fc.assert(
      fc.asyncProperty(value, async (text) => {
        const quoted = `SIGNER='${text.replaceAll("'", "'\\''")}'`;
        const [before, after] = await roundTrip(quoted);
        expect(before.values.SIGNER).toBe(text);
        expect(['', text]).toContain(after.values.SIGNER);
        if (!/['\\]/.test(text)) expect(after.values.SIGNER).toBe(text);
      }),
      { numRuns: 80 },
    );
  });
});

describe('values with quotes, dollar signs and line ends', () => {
  const ODD = `a b"c'd$HOME$(id)\`x\`\\ $& \${A}\nz`;

  it('arrive as they are by flag, environment, our file and theirs', async () => {
    expect((await load({ flags: { SIGNER: ODD } })).values.SIGNER).toBe(ODD);
    expect((await load({ env: { SIGNER: ODD } })).values.SIGNER).toBe(ODD);
    expect((await load({ env: { OTHER: ODD }, ours: 'SIGNER=${OTHER}\n' })).values.SIGNER).toBe(ODD);
    expect((await load({ env: { OTHER: ODD }, text: 'SIGNER="$OTHER"' })).values.SIGNER).toBe(ODD);
    expect((await load({ ours: `SIGNER='a"b$HOME\${A}\nz'\n` })).values.SIGNER).toBe('a"b$HOME${A}\nz');
  });

  it('a key in the place of its path is refused and not printed', async () => {
    const key = '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQVYBF\n';
    const refused = await load({ env: { SIGNING_KEY: key, SIGNER: 'me' } }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'SETTINGS_INVALID', kind: 'misuse' });
    expect(JSON.stringify(refused)).not.toContain('lQVYBF');
    expect((refused as Error).message).not.toContain('lQVYBF');
  });
});

it('secrets are all secret settings and what is in URLs', async () => {
  const env = {
    REGISTRY_PASSWORD: 'hunter22',
    BUILDCACHE_MIRROR_URL: 'https://tok%40en@mirror.example',
    SIGNER: 'me@example.org',
  };
  const { values } = await load({ env, text: 'RELEASES_JSON_FEED=https://u:p%20w@feed.example' });
  expect(new Set(secretsOf(values))).toEqual(new Set(['hunter22', 'tok%40en', 'tok@en', 'p%20w', 'p w']));
});
