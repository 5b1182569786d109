import { beforeEach, describe, expect, test } from '@jest/globals';
import { createLocalStore } from '../../../lib/cache/local-store.ts';
import {
  createChainWalker,
  createStatementReader,
  faultsIn,
  showChain,
  verifyVersion,
} from '../../../lib/provenance/index.ts';
import { formatOfName } from '../../../lib/provenance/verify-version.ts';
import { formatDigests } from '../../../lib/signing/index.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { digestOf } from '../../helpers/temp-files.ts';
import { buildOf, COMMIT, putFile, putStatement, recordOf, sha256, V } from './provenance-build.ts';

const makeFolder = useTempFolders();
const TAG = V.replace('+', '-');
const ID = 'd'.repeat(64);
const IMAGE = `images/amd64/${V}/os.bin`;
const VENDOR = `images/amd64/${V}/os_qemu_image.img`;
const PACKAGE = 'boards/amd64-usr/binpkgs/a_1_amd64.deb';
const ID_FILE = `containers/${TAG}/pkgs-${TAG}.id`;

let cache: string;
let temp: string;
let asked: string[];

beforeEach(() => {
  cache = makeFolder('cache');
  temp = makeFolder('temp');
  asked = [];
});

const packages = buildOf({
  step: 'packages',
  outputs: [recordOf(PACKAGE, 'deb'), recordOf(ID_FILE, `${ID}\n`)],
});
const image = buildOf({ images: [{ name: 'pkgs', version: TAG, id: ID }], inputs: [recordOf(PACKAGE, 'deb')] });
const vms = buildOf({
  step: 'vms',
  arguments: ['amd64', 'qemu'],
  outputs: [recordOf(VENDOR, 'vendor image')],
  inputs: [recordOf(IMAGE, 'image')],
});

const walk = (options: { format?: string; quick?: boolean; stored?: readonly string[] } = {}) => {
  const { format, quick = false, stored = [] } = options;
  const store = createLocalStore({ dir: cache });
  const reader = createStatementReader({ store, verifier: undefined, temp });
  const walker = createChainWalker(reader, async ({ tag, commit }) => {
    asked.push(`${tag} ${commit}`);
    return { state: 'ok', detail: 'lightweight tag' };
  });
  const formats = format === undefined ? undefined : [format];
  const parts = { store, reader, walker, knownFormats: ['qemu', 'ami', 'ami_vmdk'], stored, quick, temp };
  return verifyVersion({ version: V, formats }, { ...parts, signal: new AbortController().signal });
};

describe('the chain of a vendor image', () => {
  let paths: string[];

  beforeEach(() => {
    putFile(cache, VENDOR, 'vendor image');
    paths = [packages, image, vms].map((build) => putStatement(cache, build));
  });

  test('goes back to the tag by digests and image IDs, each step once', async () => {
    const chains = await walk({ format: 'qemu' });
    const [packagesPath, imagePath, vmsPath] = paths;
    const git = 'git tag main-4888.0.0-nightly-1  commit cccccccccccc  lightweight tag';
    const step = (name: string, path = '') => `\`- ${name} amd64 ${V}  ${path}, unsigned`;
    expect(showChain(chains)).toEqual([
      `${VENDOR}  sha256 ${sha256('vendor image').slice(0, 12)}  bytes hashed`,
      step('vms', vmsPath),
      `   |- ${git}`,
      `   \`- ${IMAGE}  sha256 ${sha256('image').slice(0, 12)}`,
      `      ${step('image', imagePath)}`,
      `         |- ${git}`,
      `         |- image pkgs:${TAG}  id dddddddddddd`,
      `         |  ${step('packages', packagesPath)}`,
      `         |     \`- ${git}`,
      `         \`- ${PACKAGE}  sha256 ${sha256('deb').slice(0, 12)}`,
      `            ${step('packages', packagesPath)}  (see above)`,
    ]);
    expect(new Set(asked)).toEqual(new Set([`main-4888.0.0-nightly-1 ${COMMIT}`]));
    expect([...faultsIn(chains, 'gap'), ...faultsIn(chains, 'broken')]).toEqual([]);
  });

  test('is broken by one byte of the image', async () => {
    putFile(cache, VENDOR, 'vendor imagE');
    const stated = sha256('vendor image').slice(0, 12);
    expect(faultsIn(await walk({ format: 'qemu' }), 'broken')).toEqual([
      `${VENDOR}: its bytes have sha256 ${sha256('vendor imagE').slice(0, 12)}, but ${paths[2]} says ${stated}`,
    ]);
  });

  test('is broken by an image that another packages image was made into', async () => {
    putStatement(cache, { ...image, images: [{ name: 'pkgs', version: TAG, id: 'e'.repeat(64) }] });
    const newest = { ...image, images: [{ name: 'pkgs', version: TAG, id: 'e'.repeat(64) }], finishedAt: new Date() };
    putStatement(cache, newest);
    expect(faultsIn(await walk({ format: 'qemu' }), 'broken')).toEqual([
      expect.stringContaining(`image pkgs:${TAG}: the ID eeeeeeeeeeee gives sha256`),
    ]);
  });

  test('has a gap where no statement is, and goes by the cache for what is there', async () => {
    const [, bash] = ['', `images/amd64/${V}/os_ami_image.img`];
    putFile(cache, bash, 'made by other tools');
    const chains = await walk({ format: 'ami', stored: [bash, `${IMAGE}`] });
    expect(faultsIn(chains, 'gap')).toEqual([`${bash}: no statement in provenance/${V} names ${bash}`]);
  });

  test('is broken where something is stated that the cache does not have', async () => {
    const faults = faultsIn(await walk(), 'broken');
    expect(faults).toContain(`${IMAGE}: it is stated, but not in the cache`);
  });

  test('names what should be a statement and is none', async () => {
    putFile(cache, paths[0] ?? '', '{}');
    expect(faultsIn(await walk({ format: 'qemu' }), 'broken')[0]).toMatch(
      /^image pkgs:\S+: provenance\/\S+ is no statement on what a step made: payloadType/,
    );
    expect(faultsIn(await walk(), 'broken')).toContainEqual(expect.stringMatching(/^provenance\/\S+packages/));
  });

  test('by .DIGESTS does not read the artifact', async () => {
    const content = { md5: '', sha1: '', sha512: '' };
    putFile(cache, 'copy', 'vendor image');
    const digests = { ...content, sha512: digestOf(`${cache}/copy`, 'sha512') };
    putFile(cache, VENDOR, 'not looked at');
    putFile(cache, `${VENDOR}.DIGESTS`, formatDigests('os_qemu_image.img', digests));
    const [chain] = await walk({ format: 'qemu', quick: true });
    expect(chain).toMatchObject({ state: 'ok', detail: 'by .DIGESTS', digest: `sha512:${digests.sha512}` });
  });
});

test('the longest format in a name counts, as a whole word', () => {
  const known = ['ami', 'ami_vmdk', 'pxe', 'raw'];
  const names = ['os_ami_image.bin', 'os_ami_vmdk_image.vmdk', 'os_pxe.vmlinuz', 'os-pxe_image.gz', 'os_drawing.img'];
  expect(names.map((name) => formatOfName(name, known))).toEqual(['ami', 'ami_vmdk', 'pxe', 'pxe', undefined]);
});
