import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createArtifactCache, createStore } from '../../lib/cache/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { type CacheServer, docBlock, sshOptions, startCacheServer } from '../helpers/cache-server.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { listTree, noise, writeFileAt } from '../helpers/temp-files.ts';

jest.setTimeout(60_000);

const describeAsRoot = userInfo().uid === 0 ? describe : describe.skip;
const makeFolder = useTempFolders();
const SCRIPT = join(import.meta.dirname, '../../config/server/cache-replica');
const PACK = '0123456789abcdef'.repeat(4);

describeAsRoot('the replica of docs/cache-server.md', () => {
  let primary: CacheServer;
  let copy: string;

  beforeAll(async () => {
    primary = await startCacheServer(makeFolder('primary'));
  }, 60_000);

  afterAll(() => primary.stop());

  beforeEach(() => {
    copy = makeFolder('replica');
  });

  afterEach(() => {
    primary.machine.run('rm -rf /srv/jail/srv/buildcache/*');
  });

  const published = (path: string): string => join(primary.root, path);
  const put = (path: string, content: string | Buffer): string => writeFileAt(published(path), content);
  const own = (): unknown => primary.machine.run('chown -hR bincache:bincache /srv/jail/srv/buildcache');

  /** A round, as the service file has it: its ssh options, with the test's key, and its account on the primary. */
  const startRound = (env: Record<string, string> = {}, ...options: readonly string[]) => {
    const from = 'bincache-replica@127.0.0.1:/srv/buildcache';
    const rsh = `ssh ${sshOptions(primary, primary.keys.replica).join(' ')} -p ${primary.sshPort}`;
    const child = spawn(SCRIPT, [...options, from, copy], {
      env: { PATH: process.env.PATH, RSYNC_RSH: rsh, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    return new Promise<{ status: number | null; said: string }>((resolve) =>
      child.once('close', (status) => resolve({ status, said })),
    );
  };

  const FINE = { status: 0, said: '' };
  const copied = (): string[] => listTree(copy).filter((path) => !path.startsWith('.staging/'));

  test('the documented installation is complete', () => {
    primary.machine.run(docBlock('replica'));
    const unit = readFileSync(join(import.meta.dirname, '../../config/server/cache-replica.service'), 'utf8');
    expect(unit).toContain('/usr/local/bin/cache-replica bincache-replica@');
    for (const option of ['StrictHostKeyChecking=yes', 'BatchMode=yes', 'IdentitiesOnly=yes'])
      expect(unit).toContain(option);
  });

  test('has what the primary has, without unfinished transfers, and our store reads it', async () => {
    const work = makeFolder('work');
    const files = ['image.bin', 'image.id'].map((name) => writeFileAt(join(work, name), noise(300_000, name)));
    symlinkSync('image.bin', join(work, 'latest.bin'));
    await createArtifactCache({ store: primary.open() }).publish({
      folder: 'containers/1.0.0+x',
      files: [...files, join(work, 'latest.bin')],
      last: ['image.id'],
    });
    put('dedup/v1/packs/a b.pack', 'x');
    put('.staging/partial/unfinished', 'x');
    own();
    await expect(startRound()).resolves.toEqual(FINE);
    expect(copied()).toEqual(listTree(primary.root).filter((path) => !path.startsWith('.staging/')));
    expect(readlinkSync(join(copy, 'containers/1.0.0+x/latest.bin'))).toBe('image.bin');
    const settings = { dir: copy, server: '', user: '', pathPrefix: '' };
    const store = createStore(settings, { runner: createRunner({ cwd: '/', env: {} }) });
    const to = makeFolder('to');
    for (const name of ['image.bin', 'image.id', 'latest.bin'])
      await createArtifactCache({ store }).fetch(`containers/1.0.0+x/${name}`, to);
    // Nothing is sent again.
    await expect(startRound()).resolves.toEqual(FINE);
  });

  test('links that lead out of the cache are not copied', async () => {
    put('a/f', 'x');
    put('a/f.DIGESTS', 'x');
    symlinkSync('/etc/passwd', published('a/absolute'));
    symlinkSync('../../../../etc/passwd', published('a/relative'));
    symlinkSync('f', published('a/fine'));
    own();
    await startRound();
    expect(copied()).toEqual(['a/f', 'a/f.DIGESTS', 'a/fine']);
  });

  test('signs come after all content, ids and indexes last; deletions go the other way round', async () => {
    for (const name of ['v1/x', 'v1/x.DIGESTS', 'v1/x.DIGESTS.sig', 'v1/x.sig', 'v1/x.id', 'v1/x.id.DIGESTS'])
      put(name, name);
    put('keep/y', 'y');
    put('keep/y.DIGESTS', 'y');
    put('dedup/v1/packs/p.pack', 'p');
    put('dedup/v1/layers/l.json', 'l');
    own();
    const order = await watched();
    const at = (name: string): number => order.indexOf(name);
    expect(Math.max(at('v1/x'), at('dedup/v1/packs/p.pack'))).toBeLessThan(
      Math.min(at('v1/x.DIGESTS'), at('v1/x.sig'), at('v1/x.DIGESTS.sig'), at('v1/x.id.DIGESTS')),
    );
    expect(Math.max(at('v1/x.DIGESTS'), at('v1/x.sig'), at('v1/x.id.DIGESTS'))).toBeLessThan(
      Math.min(at('v1/x.id'), at('dedup/v1/layers/l.json')),
    );
    rmSync(published('v1'), { recursive: true });
    rmSync(published('dedup/v1/layers/l.json'));
    const gone = await watched();
    const goneAt = (name: string): number => gone.indexOf(`-${name}`);
    expect(goneAt('v1/x.id')).toBeGreaterThan(-1);
    expect(goneAt('v1/x.id')).toBeLessThan(goneAt('v1/x.DIGESTS'));
    expect(Math.max(goneAt('v1/x.DIGESTS'), goneAt('v1/x.sig'), goneAt('v1/x.id.DIGESTS'))).toBeLessThan(
      goneAt('v1/x'),
    );
    expect(copied()).toEqual(['dedup/v1/packs/p.pack', 'keep/y', 'keep/y.DIGESTS']);
    expect(existsSync(join(copy, 'v1'))).toBe(false);
  });

  /** Runs a round: names in the order in which they appear, and with `-` disappear, in the copy. */
  const watched = async (): Promise<string[]> => {
    const steps: string[] = [];
    const trace = join(makeFolder('trace'), 'rsync');
    // rsync says what it does, run by run, when it is not about what is pulled aside.
    const bin = makeFolder('bin');
    const logged = `--log-file=${trace} --log-file-format='%o %n'`;
    const aside = `${copy}/.staging/*`;
    const script = `#!/bin/sh\nfor to; do :; done\ncase $to in ${aside}) exec /usr/bin/rsync "$@" ;; esac\nexec /usr/bin/rsync ${logged} "$@"\n`;
    chmodSync(writeFileAt(join(bin, 'rsync'), script), 0o755);
    await startRound({ PATH: `${bin}:${process.env.PATH}` });
    for (const line of readFileSync(trace, 'utf8').split('\n')) {
      const [, action = '', name = ''] = /\] (recv|del\.|deleting|send) (.*)$/.exec(line) ?? [];
      if (action === 'recv' || action === 'send') steps.push(name);
      if (action === 'del.' || action === 'deleting') steps.push(`-${name}`);
    }
    return steps;
  };

  test('what is published while it pulls is whole or not there', async () => {
    put('v1/x', 'x');
    put('v1/x.DIGESTS', 'x');
    put('v1/x.id', 'x');
    own();
    // A publisher that is quicker than the replica: it publishes a set between the pull of signs and that of content, once.
    const bin = makeFolder('bin');
    const done = join(bin, 'done');
    const set = `mkdir -p ${primary.root}/v2; for n in y y.DIGESTS y.id; do echo 2 > ${primary.root}/v2/$n; chmod 644 ${primary.root}/v2/$n; done; echo new > ${primary.root}/v1/x; echo new > ${primary.root}/v1/x.DIGESTS`;
    const script = `#!/bin/sh\ncase "$*" in *content.rules*) [ -e ${done} ] || { touch ${done}; ${set}; } ;; esac\nexec /usr/bin/rsync "$@"\n`;
    chmodSync(writeFileAt(join(bin, 'rsync'), script), 0o755);
    await expect(startRound({ PATH: `${bin}:${process.env.PATH}` })).resolves.toEqual(FINE);
    expect(existsSync(done)).toBe(true);
    expect(copied()).toEqual(['v1/x', 'v1/x.DIGESTS', 'v1/x.id', 'v2/y', 'v2/y.DIGESTS', 'v2/y.id']);
    expect(readFileSync(join(copy, 'v1/x'), 'utf8')).toBe(readFileSync(join(copy, 'v1/x.DIGESTS'), 'utf8'));
  });

  test('packs that were collected as garbage stay readable for a day', async () => {
    put(`dedup/v1/packs/${PACK}.pack`, 'pack');
    put(`dedup/v1/packs/${PACK}.idx`, 'idx');
    put('v/x.id', 'x');
    own();
    await startRound();
    rmSync(published(`dedup/v1/packs/${PACK}.pack`));
    rmSync(published(`dedup/v1/packs/${PACK}.idx`));
    await expect(startRound()).resolves.toEqual(FINE);
    expect(copied()).toEqual([`dedup/v1/trash/${PACK}.idx`, `dedup/v1/trash/${PACK}.pack`, 'v/x.id']);
    await startRound();
    expect(existsSync(join(copy, `dedup/v1/trash/${PACK}.pack`))).toBe(true);
  });

  test('a primary that has nothing, or is not there, empties no replica; with --keep nothing is ever deleted', async () => {
    put('v1/x', 'x');
    put('v1/x.DIGESTS', 'x');
    put('v2/x.id', 'x');
    own();
    await startRound();
    const before = copied();
    rmSync(published('v1'), { recursive: true });
    await expect(startRound({}, '--keep')).resolves.toEqual(FINE);
    expect(copied()).toEqual(before);
    rmSync(published('v2'), { recursive: true });
    const empty = await startRound();
    expect(empty).toMatchObject({ status: 1, said: expect.stringContaining('has no artifact at all') });
    const away = await startRound({ RSYNC_RSH: 'ssh -F none -o BatchMode=yes -p 1' });
    expect(away.status).not.toBe(0);
    expect(copied()).toEqual(before);
  });

  test('two at once: the second leaves it to the first', async () => {
    mkdirSync(join(copy, '.staging/replica'), { recursive: true });
    put('v/x.id', 'x');
    own();
    const both = await Promise.all([startRound(), startRound()]);
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    expect(copied()).toEqual(['v/x.id']);
  });
});
