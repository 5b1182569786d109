import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { pae } from '../../lib/provenance/dsse.ts';
import { leftoversOf } from '../helpers/fixture-leftovers.ts';
import { BUILD, buildUpTo } from '../helpers/fixture-pipeline.ts';
import { mustRun, runStep } from '../helpers/fixture-step.ts';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';
import { makeTestKey, signAt, type TestKey } from '../helpers/gpg.ts';
import { useTempFolders } from '../helpers/temp.ts';

jest.setTimeout(120_000);

const { tag, cacheForm: V, dockerForm } = BUILD;
const IMAGE = `images/amd64/${V}/skiff_production_qemu_image.img`;
const OTHER = '4889.0.0+nightly-20261121-2100';

const worlds = useWorlds();
const makeFolder = useTempFolders();
/** After the whole pipeline, signed. */
let built: FixtureWorld;
let world: FixtureWorld;
let key: TestKey;
let foreign: TestKey;
let keys: Record<string, string>;
let trusted: Record<string, string>;

interface Envelope {
  payloadType: string;
  payload: string;
  signatures: { keyid: string; sig: string }[];
}

const statementsIn = (version: string, of = world): string[] => {
  const folder = join(of.cache, 'provenance', version);
  return existsSync(folder) ? readdirSync(folder).sort() : [];
};

/** The statement of a step. */
const statementFile = (step: string, of = world): string => {
  const name = statementsIn(V, of).find((one) => one.startsWith(step));
  if (!name) throw new Error(`there is no statement of ${step}`);
  return join(of.cache, 'provenance', V, name);
};

const readEnvelope = (file: string): Envelope => JSON.parse(readFileSync(file, 'utf8')) as Envelope;
const payloadOf = ({ payload }: Envelope) => JSON.parse(Buffer.from(payload, 'base64').toString());

const changeStatement = (step: string, change: (envelope: Envelope) => void): void => {
  const file = statementFile(step);
  const envelope = readEnvelope(file);
  change(envelope);
  writeFileSync(file, JSON.stringify(envelope));
};

/** Signs anew with gpg itself. */
const signWith = (by: TestKey, { payloadType, payload }: Envelope): string => {
  const file = join(makeFolder(), 'pae');
  writeFileSync(file, pae(payloadType, Buffer.from(payload, 'base64')));
  signAt(by, file, `${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}!`);
  return readFileSync(`${file}.sig`).toString('base64');
};

const verify = (args: readonly string[] = [V, '--image', 'qemu'], env: Record<string, string> = trusted) =>
  runStep(world, 'verify', args, { env });

beforeAll(async () => {
  built = worlds.fresh();
  key = makeTestKey({ folder: makeFolder(), name: 'Builder' });
  foreign = makeTestKey({ folder: makeFolder(), name: 'Stranger' });
  trusted = { TRUSTED_KEYS: key.publicKeyFile };
  keys = { ...trusted, SIGNER: key.userId, SIGNING_KEY: key.secretKeyFile };
  await buildUpTo(built, 'vms', { env: keys });
});

beforeEach(() => {
  world = worlds.copyOf(built);
});

describe('every step that publishes', () => {
  test('states what it made of what, signed with the key of the step', () => {
    expect(statementsIn(V).map((name) => name.replace(/\..*/, ''))).toEqual([
      'image-amd64',
      'packages-amd64',
      'sdk_bootstrap',
      'sdk_container',
      'vms-amd64',
    ]);
    const envelope = readEnvelope(statementFile('vms'));
    const statement = payloadOf(envelope);
    const { buildDefinition, runDetails } = statement.predicate;
    expect(envelope.payloadType).toBe('application/vnd.in-toto+json');
    expect(envelope.signatures).toEqual([{ keyid: key.fingerprint, sig: expect.any(String) }]);
    expect(statement.subject.map(({ name }: { name: string }) => name)).toContain(IMAGE);
    expect(buildDefinition.externalParameters).toMatchObject({
      step: 'vms',
      version: V,
      arguments: ['amd64', 'qemu', 'azure'],
    });
    expect(buildDefinition.resolvedDependencies[0]).toEqual({
      uri: `git+../origin.git@refs/tags/${tag}`,
      digest: { gitCommit: world.git('rev-parse', 'HEAD') },
    });
    expect(buildDefinition.resolvedDependencies.map(({ uri = '' }) => uri)).toContain(
      `pkg:docker/skiff-packages-amd64@${dockerForm}`,
    );
    expect(runDetails.metadata.startedOn < runDetails.metadata.finishedOn).toBe(true);
  });

  test('has a signature that gpgv accepts, of the bytes that the standard says', () => {
    const { payloadType, payload, signatures } = readEnvelope(statementFile('image'));
    const folder = makeFolder();
    const bytes = Buffer.from(payload, 'base64');
    writeFileSync(join(folder, 'signed'), `DSSEv1 28 ${payloadType} ${bytes.length} ${bytes.toString()}`);
    writeFileSync(join(folder, 'sig'), Buffer.from(signatures[0]?.sig ?? '', 'base64'));
    execFileSync('gpg', ['--homedir', folder, '--output', join(folder, 'ring.gpg'), '--dearmor', key.publicKeyFile], {
      stdio: 'ignore',
    });
    execFileSync('gpgv', ['--keyring', join(folder, 'ring.gpg'), join(folder, 'sig'), join(folder, 'signed')], {
      stdio: 'ignore',
    });
  });

  test('loses no statement of another run, and adds none when it makes the same again', async () => {
    const before = statementsIn(V);
    const env = { ...keys, AVOID_NIGHTLY_BUILD_SHORTCUTS: '1' };
    await mustRun(world, 'vms', ['amd64', 'azure'], { env });
    const after = statementsIn(V);
    expect(after.filter((name) => !before.includes(name))).toHaveLength(1);
    expect(before.filter((name) => !after.includes(name))).toEqual([]);
    await mustRun(world, 'vms', ['amd64', 'azure'], { env });
    expect(statementsIn(V)).toEqual(after);
    expect((await verify()).exitCode).toBe(0);
  });

  test('states what it could make when it fails, and still says why it failed', async () => {
    rmSync(join(world.cache, 'provenance'), { recursive: true });
    world.behave('image_to_vm.sh-azure', 'fail');
    const end = await runStep(world, 'vms', ['amd64', 'qemu', 'azure'], { env: keys });
    expect(end.result?.error?.code).toBe('FORMATS_FAILED');
    const names = payloadOf(readEnvelope(statementFile('vms'))).subject.map(({ name }: { name: string }) => name);
    expect(names).toContain(IMAGE);
    expect(names.join()).not.toContain('azure');
  });

  test('without a key publishes an unsigned statement', async () => {
    rmSync(join(world.cache, 'provenance'), { recursive: true });
    await mustRun(world, 'vms', ['amd64', 'qemu']);
    expect(readEnvelope(statementFile('vms')).signatures).toEqual([]);
  });

  test('tells no credentials', async () => {
    rmSync(join(world.cache, 'provenance'), { recursive: true });
    world.git('remote', 'set-url', 'origin', 'https://user:s3cr3t-word@git.example/os.git');
    await mustRun(world, 'vms', ['amd64', 'qemu'], { env: { GCP_JSON_KEY: 's3cr3t-word' } });
    const payload = Buffer.from(readEnvelope(statementFile('vms')).payload, 'base64').toString();
    expect(payload).toContain(`git+https://git.example/os.git@refs/tags/${tag}`);
    expect(payload).not.toMatch(/s3cr3t-word|user/);
  });

  test('with --plan says that it would, and publishes none', async () => {
    rmSync(join(world.cache, 'provenance'), { recursive: true });
    const { stderr } = await mustRun(world, 'vms', ['--plan', 'amd64', 'qemu'], { env: keys });
    expect(stderr).toContain('publish a statement on what vms made, below provenance/');
    expect(existsSync(join(world.cache, 'provenance'))).toBe(false);
  });
});

describe('verify', () => {
  test('prints the chain from a vendor image to the tag', async () => {
    const { exitCode, stdout } = await verify();
    const lines = stdout.split('\n');
    expect(exitCode).toBe(0);
    expect(lines[0]).toMatch(/^images\/amd64\/\S+qemu_image\.img {2}sha256 [0-9a-f]{12} {2}bytes hashed$/);
    for (const step of ['vms amd64', 'image amd64', 'packages amd64', 'sdk_container', 'sdk_bootstrap']) {
      expect(lines).toContainEqual(
        expect.stringMatching(
          new RegExp(`- ${step} ${V.replace('+', '\\+')} .*signed by ${key.userId} ${key.fingerprint}`),
        ),
      );
    }
    const commit = world.git('rev-parse', 'HEAD').slice(0, 12);
    expect(lines).toContainEqual(expect.stringContaining(`git tag ${tag}  commit ${commit}  lightweight tag`));
    expect(stdout).not.toMatch(/GAP|BROKEN/);
    expect(leftoversOf(world).filter((what) => !what.startsWith('container '))).toEqual([]);
  });

  test('prints it as JSON', async () => {
    const { stdout } = await verify([V, '--image', 'qemu', '--json']);
    const { version, chains } = JSON.parse(stdout.split('\n')[0] ?? '');
    expect(version).toBe(V);
    expect(chains).toMatchObject([
      { kind: 'artifact', name: IMAGE, state: 'ok', links: [{ signer: key.fingerprint }] },
    ]);
  });

  test('takes the tag for the version, and all that the version has', async () => {
    const { exitCode, stdout, stderr } = await verify([tag]);
    expect({ exitCode, stderr: stderr.includes('error') }).toEqual({ exitCode: 0, stderr: false });
    for (const folder of ['sdk/amd64/', 'containers/', 'images/amd64/', 'build-logs/']) {
      expect(stdout).toContain(`\n${folder}`.slice(stdout.startsWith(folder) ? 1 : 0));
    }
  });

  test('follows the SDK to the version that it is of', async () => {
    await mustRun(world, 'packages', ['main-4889.0.0-other', 'amd64'], { env: keys });
    const { exitCode, stdout } = await verify(['4889.0.0-other']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('- packages amd64 4889.0.0+other');
    expect(stdout).toContain(`- sdk_container ${V}`);
    expect(stdout).toContain('git tag main-4889.0.0-other');
    expect(stdout).toContain(`git tag ${tag}`);
  });

  test('--quick goes by .DIGESTS', async () => {
    const { exitCode, stdout } = await verify([V, '--image', 'qemu', '--quick']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/sha512 [0-9a-f]{12} {2}by \.DIGESTS/);
  });

  test('finds nothing to verify in a version that is not there', async () => {
    const { exitCode, stderr } = await verify(['1.2.3']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('PROVENANCE_NOTHING');
  });

  test.each([
    ['a version that is none', ['../../etc'], 'VERSION_NUMBER_INVALID'],
    ['a format that is none', [V, '--image', 'floppy'], 'FORMAT_UNKNOWN'],
    ['no version', [], 'ARGUMENTS_WRONG'],
  ])('refuses %s', async (_, args, code) => {
    const { exitCode, stderr } = await verify(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(code);
  });
});

describe('a signed tag', () => {
  const signTag = (by: TestKey): void => {
    const home = makeFolder();
    execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', '--import', by.secretKeyFile], { stdio: 'ignore' });
    const env = { ...world.env, GNUPGHOME: home };
    const user = ['-c', 'user.name=X', '-c', 'user.email=x@example.test'];
    const args = [
      ...user,
      'tag',
      '--force',
      '--sign',
      '--local-user',
      by.fingerprint,
      '-m',
      'signed',
      tag,
      `${tag}^{commit}`,
    ];
    execFileSync('git', args, { cwd: world.tree, env, stdio: 'ignore' });
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);
    world.git('push', '--quiet', '--force', 'origin', tag);
  };

  test('is part of the chain', async () => {
    signTag(key);
    const { exitCode, stdout } = await verify();
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`tag signed by ${key.userId} ${key.fingerprint}`);
  });

  test('by a key that is not trusted breaks it', async () => {
    signTag(foreign);
    const { exitCode, stderr } = await verify();
    expect(exitCode).toBe(3);
    expect(stderr).toContain('the signature of the tag does not count');
  });
});

describe('a link that does not hold is named, with exit code 3:', () => {
  const expectBroken = async (message: string | RegExp, args?: readonly string[]): Promise<void> => {
    const { exitCode, stderr, stdout } = await verify(args);
    expect(stderr).toMatch(message);
    expect({ exitCode, marked: /BROKEN: |GAP: /.test(stdout) }).toEqual({ exitCode: 3, marked: true });
  };

  test('a byte of the image', async () => {
    const file = join(world.cache, IMAGE);
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
    writeFileSync(file, bytes);
    await expectBroken(
      /PROVENANCE_BROKEN[\s\S]*qemu_image\.img: its bytes have sha256 \w+, but provenance\/\S+vms\S+ says/,
    );
  });

  test.each(['vms', 'image', 'packages', 'sdk_container', 'sdk_bootstrap'])('what %s states', async (step) => {
    changeStatement(step, (envelope) => {
      const statement = payloadOf(envelope);
      statement.predicate.runDetails.builder.id = 'urn:somebody:else';
      envelope.payload = Buffer.from(JSON.stringify(statement)).toString('base64');
    });
    await expectBroken(new RegExp(`provenance/\\S+/${step}\\S+: its signature does not count: .*not of these bytes`));
  });

  test('a statement that names other inputs', async () => {
    changeStatement('image', (envelope) => {
      const statement = payloadOf(envelope);
      statement.predicate.buildDefinition.resolvedDependencies.pop();
      envelope.payload = Buffer.from(JSON.stringify(statement)).toString('base64');
    });
    await expectBroken(/provenance\/\S+image\S+ has the statement that belongs to provenance/);
  });

  test('a damaged signature', async () => {
    changeStatement('vms', ({ signatures }) => {
      for (const one of signatures) one.sig = Buffer.from('no signature').toString('base64');
    });
    await expectBroken(/vms\S+: its signature does not count/);
  });

  test('a missing signature', async () => {
    changeStatement('vms', (envelope) => {
      envelope.signatures = [];
    });
    await expectBroken(/vms\S+: it is not signed/);
  });

  test('a foreign key, whatever it calls itself', async () => {
    changeStatement('packages', (envelope) => {
      envelope.signatures = [{ keyid: key.fingerprint, sig: signWith(foreign, envelope) }];
    });
    await expectBroken(/packages\S+: its signature does not count: it was made with the key \w+, which is not trusted/);
  });

  test('a version served as another one', async () => {
    for (const folder of ['provenance', 'images/amd64'])
      cpSync(join(world.cache, folder, V), join(world.cache, folder, OTHER), { recursive: true });
    await expectBroken(
      new RegExp(`provenance/${OTHER.replace('+', '\\+')}/\\S+ has the statement that belongs to provenance/4888`),
      [OTHER, '--image', 'qemu'],
    );
  });

  test('an artifact served as another one', async () => {
    const azure = IMAGE.replace('qemu', 'azure');
    renameSync(join(world.cache, azure), join(world.cache, IMAGE));
    await expectBroken(/qemu_image\.img: its bytes have sha256 \w+, but/);
  });

  test('a step of another name', async () => {
    const file = statementFile('vms');
    renameSync(file, file.replace('vms-', 'image-'));
    await expectBroken(/image-amd64\S+ has the statement that belongs to \S+vms-amd64/);
  });

  test('a file that is no statement', async () => {
    writeFileSync(statementFile('vms'), '<html>404</html>');
    await expectBroken(/vms\S+ is no statement on what a step made: it is not JSON/);
  });

  test.each(['vms', 'sdk_bootstrap'])('a missing statement of %s', async (step) => {
    rmSync(statementFile(step));
    await expectBroken(/PROVENANCE_GAP[\s\S]*no statement in provenance\/\S+ names/);
  });

  test('a moved tag', async () => {
    world.git('push', '--quiet', '--force', 'origin', `HEAD~1:refs/tags/${tag}`);
    await expectBroken(
      new RegExp(`the tag ${tag} is at commit ${world.git('rev-parse', 'HEAD~1')} on the remote, but`),
    );
  });

  test('a tag that is gone', async () => {
    world.git('push', '--quiet', '--delete', 'origin', tag);
    await expectBroken(`the remote has no tag ${tag}`);
  });
});

describe('a missing statement', () => {
  beforeEach(() => rmSync(statementFile('image')));

  test('is only said where no keys are trusted', async () => {
    const { exitCode, stdout, stderr } = await verify(undefined, {});
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/GAP: no statement in provenance\/\S+ names images\/\S+/);
    expect(stderr).toContain('Not known all the way: ');
  });

  test('is only said where gaps are allowed', async () => {
    const { exitCode, stdout } = await verify([V, '--image', 'qemu', '--allow-gaps']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('GAP: ');
  });
});
