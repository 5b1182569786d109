import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { removeOwnContainers, removeOwnImages } from './conformance-docker.ts';
import { makeTree, type TreeKind } from './conformance-tree.ts';
import { type ConformanceWorld, openWorld } from './conformance-world.ts';
import { makeTestKey, type TestKey } from './gpg.ts';
import { makeCertificates, startHttpsServer, type TestHttpsServer } from './https-server.ts';
import { startSshd, type TestSshd } from './sshd.ts';

/** Where the worlds of a test file stand, one after another at the same path: servers, keys, and programs that are put before the real ones. */
export interface Stage {
  /** Absolute path. */
  readonly folder: string;
  readonly https: TestHttpsServer;
  /** The release mirror, which is asked after the cache; serves `mirror` in the world. */
  readonly mirror: TestHttpsServer;
  readonly sshd: TestSshd;
  readonly key: TestKey;
  /**
   * Clears the stage and puts up a new world: no images, containers, cache files; one and the same tree each time.
   *
   * @param kind of the tree; default `small`
   */
  open(kind?: TreeKind): ConformanceWorld;
  /** The world that was opened last. */
  current(): ConformanceWorld;
}

/** Host of the original's release mirror. */
const MIRROR = 'mirror.release.flatcar-linux.net';

/** Programs that every step finds before the real ones. */
const PROGRAMS = {
  // Nothing is pulled from the network: `registry/NAME` in the world, an archive, is what the registry has.
  docker: [
    'if [ "$1" = pull ]; then',
    '  for image; do :; done',
    '  printf "%s\\n" "$image" >>"$CONFORMANCE_WORLD/pulls"',
    '  archive=$CONFORMANCE_WORLD/registry/$(printf %s "$image" | tr / %)',
    '  [ -e "$archive" ] && exec REAL load -i "$archive"',
    '  echo "Error response from daemon: manifest for $image not found: manifest unknown: manifest unknown" >&2',
    '  exit 1',
    'fi',
    'exec REAL "$@"',
  ],
} as const;

const which = (program: string): string => {
  for (const folder of ['/usr/local/bin', '/usr/bin', '/bin']) {
    if (existsSync(join(folder, program))) return join(folder, program);
  }
  return '';
};

const writeProgram = (folder: string, name: string, lines: readonly string[]): void => {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${lines.join('\n').replaceAll('REAL', which(name))}\n`);
  chmodSync(file, 0o755);
};

/** `bin` is for both sides; `bin-bash` is for the original, whose ssh knows no port and no key but through its settings file. */
const writePrograms = (folder: string): void => {
  for (const name of ['bin', 'bin-bash']) mkdirSync(join(folder, name));
  for (const [name, lines] of Object.entries(PROGRAMS)) writeProgram(join(folder, 'bin'), name, lines);
  if (!which('sudo')) writeProgram(join(folder, 'bin'), 'sudo', ['[ "$1" != -E ] || shift', 'exec "$@"']);
  writeProgram(join(folder, 'bin-bash'), 'ssh', [`exec REAL -F '${folder}/ssh_config' "$@"`]);
};

/** The original asks `https://localhost/` and `ssh localhost`; these lead it to the test's servers. */
const writeSettings = (
  { folder, https, mirror, sshd }: Omit<Stage, 'key' | 'open' | 'current'>,
  caFile: string,
): void => {
  writeFileSync(
    join(folder, 'ssh_config'),
    `Host localhost\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  IdentityFile ${sshd.clientKey}\n  LogLevel ERROR\n`,
  );
  mkdirSync(join(folder, 'curl'));
  const servers = [
    ['localhost', https],
    [MIRROR, mirror],
  ] as const;
  const lines = servers.map(([name, { port }]) => `connect-to = "${name}:443:127.0.0.1:${port}"`);
  writeFileSync(join(folder, 'curl', '.curlrc'), `cacert = "${caFile}"\n${lines.join('\n')}\n`);
  writeFileSync(join(folder, 'known_hosts'), `[localhost]:${sshd.port} ${sshd.hostKey}\n`);
};

/** Call once per test file: starts the servers before its tests. */
export const useStage = (): Stage => {
  let folder = '';
  let https: TestHttpsServer;
  let mirror: TestHttpsServer;
  let sshd: TestSshd;
  let key: TestKey;
  let caFile = '';
  let opened: ConformanceWorld | undefined;
  const templates = new Map<TreeKind, string>();
  const clear = (): void => {
    removeOwnContainers(folder);
    removeOwnImages(folder);
    rmSync(join(folder, 'world'), { recursive: true, force: true, maxRetries: 5 });
  };
  beforeAll(async () => {
    folder = mkdtempSync(join(realpathSync(tmpdir()), 'slipway-stage-'));
    for (const name of ['ssh', 'https', 'keys']) mkdirSync(join(folder, name));
    const certificates = makeCertificates(join(folder, 'https'), [MIRROR]);
    caFile = certificates.caFile;
    https = await startHttpsServer(join(folder, 'world', 'cache'), certificates);
    mirror = await startHttpsServer(join(folder, 'world', 'mirror'), certificates);
    sshd = await startSshd({ folder: join(folder, 'ssh') });
    key = makeTestKey({ folder: join(folder, 'keys'), name: 'Builder' });
    writePrograms(folder);
    writeSettings({ folder, https, mirror, sshd }, caFile);
  }, 60_000);
  afterAll(async () => {
    clear();
    await Promise.all([https.stop(), mirror.stop(), sshd.stop()]);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return {
    get folder() {
      return folder;
    },
    get https() {
      return https;
    },
    get mirror() {
      return mirror;
    },
    get sshd() {
      return sshd;
    },
    get key() {
      return key;
    },
    open(kind = 'small') {
      clear();
      const world = join(folder, 'world');
      let template = templates.get(kind);
      if (template === undefined) {
        template = join(folder, `template-${kind}`);
        mkdirSync(world);
        makeTree(kind, world, { cache: join(world, 'cache'), user: sshd.user });
        execFileSync('mv', [world, template]);
        templates.set(kind, template);
      }
      cpSync(template, world, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
      opened = openWorld(world, { stage: folder, https, mirror, sshd, key, caFile });
      return opened;
    },
    current() {
      if (opened === undefined) throw new Error('no world was opened');
      return opened;
    },
  };
};
