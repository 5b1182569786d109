import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { killProcessesOf, leftoversOf } from '../helpers/fixture-leftovers.ts';
import { buildUpTo } from '../helpers/fixture-pipeline.ts';
import { mustRun, runStep, startStep } from '../helpers/fixture-step.ts';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';
import { makeTestKey, type TestKey } from '../helpers/gpg.ts';
import { commandLineOf } from '../helpers/processes.ts';
import { useTempFolders } from '../helpers/temp.ts';

jest.setTimeout(120_000);

const worlds = useWorlds();
const makeFolder = useTempFolders();
/** Up to and with the packages. */
let built: FixtureWorld;
let world: FixtureWorld;
let key: TestKey;
let users: TestKey;

/** What `run_sdk_container` sees: the first line about itself, then whether gpg can sign with what it got. */
const PROBE = `
{ printf '%s\\n' "$GNUPGHOME" "\${SIGNER-unset}" "\${SIGNING_KEY-unset}" "$(stat -c %a "$GNUPGHOME")" \\
    "$(gpg --batch --quiet --list-secret-keys --with-colons 2>&1 | grep -c ^sec)"
  echo text | gpg --batch --quiet --local-user "\${SIGNER:-nobody}" --clearsign 2>&1 | head -n 1
  find . -name 'private-keys*' -o -name '*.key' -o -name '.gnupg' -o -name 'pubring*'; } >"$FIXTURE_DIR/seen"
`;

const seen = (): string[] => readFileSync(join(world.folder, 'seen'), 'utf8').trimEnd().split('\n');

beforeAll(async () => {
  built = worlds.fresh();
  const script = readFileSync(join(built.tree, 'run_sdk_container'), 'utf8');
  built.write('run_sdk_container', script.replace('behave run_sdk_container', `${PROBE}\nbehave run_sdk_container`));
  const author = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org'];
  built.git(...author, 'commit', '--quiet', '--all', '-m', 'Look at the key ring');
  built.git('push', '--quiet');
  key = makeTestKey({ folder: makeFolder(), name: 'Builder' });
  users = makeTestKey({ folder: makeFolder(), name: 'User' });
  await buildUpTo(built, 'packages');
});

beforeEach(() => {
  world = worlds.copyOf(built);
  // The user's own key ring, with a key that could sign.
  const own = join(world.folder, 'home/.gnupg');
  mkdirSync(own, { mode: 0o700 });
  execFileSync('gpg', ['--homedir', own, '--batch', '--quiet', '--import', users.publicKeyFile], { stdio: 'ignore' });
});

describe("the tree's entry points", () => {
  test('get a key ring outside of the tree that they can sign with, and nothing secret is in the tree', async () => {
    const env = { SIGNER: key.userId, SIGNING_KEY: key.secretKeyFile };
    await mustRun(world, 'image', ['amd64'], { env });
    const [home = '', signer, signingKey, mode, secretKeys, signed, ...inTree] = seen();
    expect(home.startsWith(`${world.temp}/`)).toBe(true);
    expect({ signer, signingKey, mode, secretKeys, signed, inTree }).toEqual({
      signer: key.userId,
      signingKey: '',
      mode: '700',
      secretKeys: '1',
      signed: '-----BEGIN PGP SIGNED MESSAGE-----',
      inTree: [],
    });
    expect(existsSync(home)).toBe(false);
    expect(leftoversOf(world).filter((what) => !what.startsWith('container '))).toEqual([]);
  });

  test("get an empty ring when nothing is to be signed, never the user's own", async () => {
    await mustRun(world, 'image', ['amd64']);
    const [home = '', signer, signingKey, mode, secretKeys, signed] = seen();
    expect(home.startsWith(`${world.temp}/`)).toBe(true);
    expect({ signer, signingKey, mode, secretKeys }).toEqual({
      signer: '',
      signingKey: '',
      mode: '700',
      secretKeys: '0',
    });
    expect(signed).toMatch(/^gpg: /);
    expect(existsSync(home)).toBe(false);
  });

  test('get the fingerprint for a name that a shell would take apart', async () => {
    const odd = makeTestKey({ folder: makeFolder(), name: 'O"dd $(touch x)' });
    await mustRun(world, 'image', ['amd64'], { env: { SIGNER: odd.userId, SIGNING_KEY: odd.secretKeyFile } });
    expect(seen()[1]).toBe(odd.fingerprint);
    expect(seen()[5]).toBe('-----BEGIN PGP SIGNED MESSAGE-----');
  });

  test.each(['SIGNER', 'SIGNING_KEY'])('are not called at all with %s alone', async (name) => {
    const env = { [name]: name === 'SIGNER' ? key.userId : key.secretKeyFile };
    const { exitCode, stderr } = await runStep(world, 'image', ['amd64'], { env });
    expect({ exitCode, calls: world.takeCalls() }).toEqual({ exitCode: 2, calls: [] });
    expect(stderr).toContain('SIGNER_INCOMPLETE');
    expect(readdirSync(world.temp)).toEqual([]);
  });

  test('find no key ring of a step that was killed before', async () => {
    world.behave('run_sdk_container', 'hang');
    const env = { SIGNER: key.userId, SIGNING_KEY: key.secretKeyFile };
    const step = startStep(world, 'image', ['amd64'], { env });
    await step.until(() => existsSync(join(world.folder, 'hanging')));
    step.signal('SIGKILL');
    await step.done;
    const [home = ''] = seen();
    expect(existsSync(join(home, 'private-keys-v1.d'))).toBe(true);
    killProcessesOf(world, (pid) => commandLineOf(pid).includes('run_sdk_container'));
    world.behave('run_sdk_container', undefined);
    await mustRun(world, 'image', ['amd64']);
    expect(seen()[0]).toBe(home);
    expect(seen()[4]).toBe('0');
    expect(leftoversOf(world).filter((what) => /key ring|gpg/.test(what))).toEqual([]);
    expect(readdirSync(world.temp)).toEqual([]);
  });
});

describe('SIGN=1', () => {
  const committer = { GIT_COMMITTER_NAME: 'Builder', GIT_COMMITTER_EMAIL: 'builder@example.test' };

  test('signs the tag with the key of SIGNING_KEY', async () => {
    const env = { ...committer, SIGN: '1', SIGNER: key.userId, SIGNING_KEY: key.secretKeyFile };
    await mustRun(world, 'packages_tag', ['alpha-4888.1.0'], { env });
    const ring = makeFolder();
    execFileSync('gpg', ['--homedir', ring, '--batch', '--quiet', '--import', key.publicKeyFile], { stdio: 'ignore' });
    const verify = ['verify-tag', 'alpha-4888.1.0'];
    execFileSync('git', verify, { cwd: world.tree, env: { ...world.env, GNUPGHOME: ring }, stdio: 'ignore' });
  });

  test("does not sign with the user's own keys", async () => {
    const own = join(world.folder, 'home/.gnupg');
    execFileSync('gpg', ['--homedir', own, '--batch', '--quiet', '--import', users.secretKeyFile], { stdio: 'ignore' });
    const env = { GIT_COMMITTER_NAME: 'User', GIT_COMMITTER_EMAIL: 'user@example.test', SIGN: '1' };
    const { exitCode, stderr } = await runStep(world, 'packages_tag', ['alpha-4888.1.0'], { env });
    execFileSync('gpgconf', ['--homedir', own, '--kill', 'gpg-agent']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('SIGN_WITHOUT_KEY');
    expect(world.git('tag', '--list', 'alpha-4888.1.0')).toBe('');
  });
});
