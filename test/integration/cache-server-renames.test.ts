import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createArtifactCache, createStore } from '../../lib/cache/index.ts';
import { createRunner, waitForAll } from '../../lib/process/index.ts';
import { makeCertificates, startHttpsServer, type TestHttpsServer } from '../helpers/https-server.ts';
import { startSshd, type TestSshd } from '../helpers/sshd.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { listTree, writeFileAt } from '../helpers/temp-files.ts';

// A server session is killed and opened again for each point, on machines that may be busy.
jest.setTimeout(300_000);

const makeFolder = useTempFolders();
const runner = createRunner({ cwd: '/', env: { PATH: process.env.PATH } });
const NAMES = ['first.bin', 'second.bin', 'set.id'];
const FOLDER = 'containers/1.0.0';

let https: TestHttpsServer;
let root = '';
let caFile = '';
const sshds: TestSshd[] = [];

beforeAll(async () => {
  root = makeFolder('root');
  const certificates = makeCertificates(makeFolder('pki'));
  caFile = certificates.caFile;
  https = await startHttpsServer(root, certificates);
});

afterAll(async () => {
  for (const sshd of sshds) await sshd.stop();
  await https.stop();
});

/** A server whose sessions die at a rename, when its state file says so. */
const startMortal = async (): Promise<{ readonly sshd: TestSshd; readonly state: string }> => {
  const folder = makeFolder('sshd');
  const state = writeFileAt(join(folder, 'state'), '');
  const killer = join(import.meta.dirname, '../helpers/sftp-killer.mjs');
  const wrapper = writeFileAt(
    join(folder, 'session.sh'),
    `case "$SSH_ORIGINAL_COMMAND" in
internal-sftp) exec '${process.execPath}' '${killer}' '${state}' ;;
*) exec /bin/sh -c "$SSH_ORIGINAL_COMMAND" ;;
esac
`,
  );
  const sshd = await startSshd({ folder, config: [`ForceCommand /bin/sh ${wrapper}`] });
  sshds.push(sshd);
  return { sshd, state };
};

/** All or nothing: who sees the last file of the set sees all of it, and what anybody sees of a file is right. */
const expectWhole = (prefix: string, contents: ReadonlyMap<string, string>): void => {
  const at = (name: string): string => join(prefix, FOLDER, name);
  for (const [name, text] of contents) {
    if (existsSync(at(name))) expect(readFileSync(at(name), 'utf8')).toBe(text);
    if (existsSync(at('set.id'))) expect(existsSync(at(name))).toBe(true);
  }
};

/** Publishes a set while the session dies at a rename. @returns whether there was a rename to die at */
const publishDying = async (
  { sshd, state }: Awaited<ReturnType<typeof startMortal>>,
  when: string,
  at: number,
): Promise<boolean> => {
  const name = `${when}-${at}`;
  const prefix = join(root, name);
  const work = makeFolder('work');
  const contents = new Map(NAMES.map((file) => [file, `${file} of ${name}\n`.repeat(2000)]));
  const files = [...contents].map(([file, text]) => writeFileAt(join(work, file), text));
  const settings = {
    ...{ server: '127.0.0.1', user: sshd.user, pathPrefix: prefix, sshPort: sshd.port, sshKey: sshd.clientKey },
    ...{ knownHosts: sshd.knownHosts, url: `${https.url}/${name}`, caFile, dir: '' },
  };
  const patience = { tries: 5, firstDelayMs: 20, idleMs: 20_000 };
  const store = createStore(settings, { runner, patience, tempFolder: makeFolder('outbox') });
  writeFileSync(state, `${at} ${when}`);
  const watching = new AbortController();
  const watcher = (async () => {
    while (!watching.signal.aborted) {
      expectWhole(prefix, contents);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  try {
    const cache = createArtifactCache({ store });
    await cache.publish({ folder: FOLDER, files, last: ['set.id'] });
    const wasKilled = readFileSync(state, 'utf8') === '';
    const to = makeFolder('to');
    for (const [file, text] of contents) {
      const fetched = await cache.fetch(`${FOLDER}/${file}`, to);
      expect(readFileSync(fetched.file, 'utf8')).toBe(text);
    }
    expect(listTree(join(prefix, '.staging'))).toEqual([]);
    return wasKilled;
  } finally {
    watching.abort();
    await watcher;
    await store.close();
  }
};

test('a server session that is killed right before or right after any of its renames: the set is published all the same, whole', async () => {
  const killed = await waitForAll(
    ['before', 'after'].map(async (when) => {
      const server = await startMortal();
      let at = 0;
      while (await publishDying(server, when, at)) at += 1;
      return at;
    }),
  );
  // Three files, their digests, and what the lock takes.
  for (const count of killed) expect(count).toBeGreaterThanOrEqual(6);
});
