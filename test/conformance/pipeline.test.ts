import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { accountOf } from '../helpers/conformance-compare.ts';
import { useStage } from '../helpers/conformance-stage.ts';
import type { StepWords } from '../helpers/conformance-step.ts';
import { listTree } from '../helpers/temp-files.ts';
import { imageFiles, imageStepFiles, OEMS, sorted, withDigests, withSignatures } from './expected.ts';
import { mustRun, takeCalls } from './own-run.ts';
import { patchOf } from './scenarios.ts';

const stage = useStage();
const TIME = /\d{4}-\d\d-\d\d-\d{4}-\d\d/;
const WRONG = /\b(BAD|DIFFERS|OTHER TEXT|NO ID)\b/;

describe('a signed development build, each step on another machine', () => {
  const tag = 'main-9001.0.0-dev-2';
  const version = '9001.0.0+dev-2';
  const form = '9001.0.0-dev-2';
  const sdk = `sdk/amd64/${version}/flatcar-sdk-amd64-${version}.tar.bz2`;
  const root = '/home/sdk/trunk/src/build/images';
  const registry = 'ghcr.io/flatcar';
  const calls: string[][] = [];
  const cleanups: string[] = [];

  test('runs to the end', async () => {
    const world = stage.open();
    world.offerSdk('all', '8000.0.0');
    const steps: StepWords[] = [
      ['sdk_bootstrap', '8000.0.0', tag],
      ['sdk_container'],
      ['packages', 'amd64'],
      ['image', 'amd64'],
      ['vms', 'amd64', 'openstack', 'azure'],
      ['push_pkgs', 'amd64'],
    ];
    for (const words of steps) {
      if (words[0] !== 'sdk_bootstrap') world.nextMachine(tag);
      await mustRun(world, words, world.signing);
      calls.push(takeCalls(world));
      cleanups.push(world.read('tree/ci-cleanup.sh'));
    }
    // The key ring was outside the checkout, and is gone (defect 34).
    const keyrings = [...new Set(world.read('keyrings').split('\n').filter(Boolean))];
    expect(keyrings.length).toBeGreaterThan(0);
    expect(keyrings.filter((folder) => folder.startsWith(world.tree) || existsSync(folder))).toEqual([]);
  }, 120_000);

  test('publishes what the original does, under its names, all signed', () => {
    const folder = `${stage.folder}/world/cache`;
    const signed = [
      sdk,
      ...['all', 'amd64', 'arm64'].flatMap((flavour) => imageFiles(`flatcar-sdk-${flavour}`, form)),
      ...imageFiles('flatcar-packages-amd64', form),
      ...imageStepFiles(`images/amd64/${version}`, OEMS.all),
      ...['openstack_image.img', 'openstack_image.img.bz2', 'openstack_image.img.gz', 'openstack.grub']
        .concat(['azure_image.img.bz2', 'azure.grub'])
        .map((name) => `images/amd64/${version}/flatcar_production_${name}`),
      // The link of a format that nobody builds any more, to one that is.
      `images/amd64/${version}/flatcar_production_brightbox_image.img.bz2`,
      ...['sdk-bootstrap-logs-amd64', 'sdk-container-logs-amd64', 'packages-amd64-logs'].map(
        (name) => `build-logs/${version}/${name}-TIME.tar.xz`,
      ),
    ].flatMap(withSignatures);
    const packages = ['Packages', 'app-misc/one-1.tbz2', 'dev-util/two-1.tbz2'].flatMap((name) =>
      [name, `${name}.sig`].map((path) => `boards/amd64-usr/${version}/pkgs/${path}`),
    );
    const files = listTree(folder).map((path) => path.replace(TIME, 'TIME'));
    const there = files.filter((path) => !path.startsWith('provenance/'));
    // The SDK's own digests, which are kept, are for its contents list too.
    const contents = [`${sdk}.CONTENTS.gz`, `${sdk}.CONTENTS.gz.sig`];
    expect(sorted(there)).toEqual(sorted([...signed, ...packages, ...contents]));
  });

  test('every digest, signature and image ID is right', () => {
    const account = Object.entries(accountOf(stage.current()));
    const cache = account.filter(([name]) => name.startsWith('cache:'));
    expect(cache.filter(([, text]) => WRONG.test(text))).toEqual([]);
    expect(cache.filter(([, text]) => text.includes('digests as expected')).length).toBeGreaterThan(30);
    expect(cache.filter(([, text]) => text.includes('signature, good')).length).toBeGreaterThan(60);
    // Those of the SDK's own build are kept: they have more in them.
    expect(cache.filter(([, text]) => text.includes('other digests')).map(([name]) => name)).toEqual([
      `cache:${sdk}.DIGESTS`,
    ]);
  });

  test('the logs of the packages are those that the SDK container collected', () => {
    const account = accountOf(stage.current());
    const logs = account[`cache:build-logs/${version}/packages-amd64-logs-TIME.tar.xz`] ?? '';
    expect(logs).toContain('portage/elog/summary.log');
    expect(logs).toContain('config-logs/app-misc/one-1/work/one-1/config.log');
    const sdkLogs = account[`cache:build-logs/${version}/sdk-bootstrap-logs-amd64-TIME.tar.xz`] ?? '';
    expect(sdkLogs).toContain('stage1-amd64.log');
    expect(sdkLogs).toContain('config-logs/stage1/var/tmp/portage/app/one/work/config.log');
    expect(sdkLogs).not.toContain('other.log');
  });

  test('one commit and one tag are pushed, by the automation', () => {
    const world = stage.current();
    const text = world.git('log', '-1', '--format=%an <%ae>|%cn <%ce>|%B', tag);
    const who = 'flatcar-ci <infra+ci@flatcar-linux.org>';
    expect(text).toBe(`${who}|${who}|New version: ${tag}\n\nSigned-off-by: ${who}`);
    expect(world.git('-C', world.origin, 'cat-file', '-t', tag)).toBe('commit');
    expect(world.git('-C', world.origin, 'rev-parse', `${tag}~1`)).toBe(
      world.git('-C', world.origin, 'rev-parse', 'main'),
    );
    expect(world.git('show', `${tag}:sdk_container/.repo/manifests/version.txt`)).toBe(
      `FLATCAR_VERSION=${version}\nFLATCAR_VERSION_ID=9001.0.0\nFLATCAR_BUILD_ID="dev-2"\nFLATCAR_SDK_VERSION=${version}`,
    );
  });

  test('the entry points get the words that the original gives them', () => {
    const [bootstrap = [], container = [], packages = [], image = [], vms = [], push = []] = calls;
    expect(bootstrap[0]).toBe(
      `bootstrap_sdk_container -l __build__/sdk-bootstrap-logs-to-upload/ -x ./ci-cleanup.sh 8000.0.0 ${form}`,
    );
    expect(container).toEqual([
      `build_sdk_container_image -l ${stage.current().tree}/__build__/sdk-container-logs-to-upload -x ./ci-cleanup.sh ./__build__/flatcar-sdk-amd64-${version}.tar.bz2`,
    ]);
    const start = (name: string, from: string) => `-n ${name}-${form} -v ${version} -C ${from}`;
    const inPackages = start('flatcar-packages-amd64', `${registry}/flatcar-sdk-amd64:${form}`);
    const logs = '__build__/packages-logs-to-upload';
    const collect = `source sdk_lib/sdk_container_common.sh; cp -a /build/'amd64'-usr/var/log/portage '${logs}'; scavenge_for_configure_logs /build/'amd64'-usr/var/tmp/portage '${logs}'`;
    expect(packages).toEqual([
      `run_sdk_container -x ./ci-cleanup.sh ${inPackages} ./build_packages --board=amd64-usr`,
      'build_packages --board=amd64-usr',
      `run_sdk_container ${inPackages} bash -c ${collect.replaceAll(/[ ;']/g, '\\$&')}`,
    ]);
    const inImage = `-n flatcar-images-amd64-${form} -C flatcar-packages-amd64:${form} -v ${version}`;
    const sysexts = 'shells\\|app-shells/one\\,editors\\|app-editors/one\\&app-editors/two';
    const build = `build_image --board=amd64-usr --group=developer --base_sysexts=${sysexts} --output_root=${root} --only_store_compressed prodtar container sysext oem_sysext`;
    expect(image).toEqual([
      `run_sdk_container -x ./ci-cleanup.sh ${inImage} mkdir -p ${root}`,
      `run_sdk_container ${inImage} ./set_official --board=amd64-usr --noofficial`,
      'set_official --board=amd64-usr --noofficial',
      `run_sdk_container ${inImage} ./${build}`,
      build,
      `run_sdk_container ${inImage} mv ${root}/amd64-usr/ ./images//`,
    ]);
    const inVms = inImage.replace('flatcar-images', 'flatcar-vms');
    const format = (name: string, compressions: string) =>
      `image_to_vm.sh --format ${name} --board=amd64-usr --from ${root}/amd64-usr/latest-input --to ${root}/amd64-usr/latest --image_compression_formats=${compressions} --only_store_compressed`;
    const formats = [format('openstack', 'gz\\,bz2\\,none'), format('azure', 'bz2')];
    expect(sorted(vms)).toEqual(
      sorted([
        `run_sdk_container -x ./ci-cleanup.sh ${inVms} mkdir -p ${root}/amd64-usr/latest`,
        `run_sdk_container ${inVms} mv images-in/ ${root}/amd64-usr/latest-input`,
        ...formats.flatMap((words) => [words, `run_sdk_container ${inVms} ./${words}`]),
        `run_sdk_container ${inVms} mv ${root}/amd64-usr/ ./images//`,
      ]),
    );
    expect(push.slice(0, 2)).toEqual([
      `run_sdk_container -x ./ci-cleanup.sh -n flatcar-packages-publisher-amd64-${form} -C flatcar-packages-amd64:${form} ./build_dev_binpkgs --board=amd64-usr`,
      'build_dev_binpkgs --board=amd64-usr',
    ]);
  });

  test('ci-cleanup.sh has the lines of the original', () => {
    const container = (name: string) => `'docker' container rm -f '${name}-${form}'\n`;
    const [bootstrap, images, packages, image, vms, push] = cleanups;
    expect(bootstrap).toBe(`'docker' container rm -f 'flatcar-sdk-all-8000.0.0_os-${form}'\n`);
    expect(images?.split('\n').length).toBe(6);
    expect(packages).toBe(
      `docker image rm -f '${registry}/flatcar-sdk-amd64:${form}'\n${container('flatcar-packages-amd64')}`,
    );
    expect([image, vms, push]).toEqual(
      ['flatcar-images-amd64', 'flatcar-vms-amd64', 'flatcar-packages-publisher-amd64'].map(container),
    );
  });
});

describe('an official build for arm64, unsigned, with a patch beside the checkout', () => {
  const tag = 'stable-9000.2.0';

  test('publishes a patched build, and the patch nowhere', async () => {
    const world = stage.open();
    world.offerSdk('arm64', '9000.0.0');
    world.write('scripts.patch', patchOf('secret'));
    await mustRun(world, ['packages_tag', tag]);
    expect(world.read('tree/secret')).toBe('content\n');
    const steps: StepWords[] = [
      ['packages', 'arm64'],
      ['image', 'arm64'],
      ['vms', 'arm64', 'qemu_uefi', 'vmware', 'ami', 'qemu'],
      ['push_pkgs', 'arm64'],
    ];
    for (const words of steps) {
      world.nextMachine(tag);
      await mustRun(world, words);
      expect([words[0], world.read('tree/secret')]).toEqual([words[0], 'content\n']);
      expect(world.git('log', '-1', '--format=%an|%cn|%s')).toBe(
        'Somebody Else|Flatcar Buildbot|Fix that nobody is to know yet',
      );
    }
    const refs = world.git('-C', world.origin, 'for-each-ref', '--format=%(refname)');
    expect(sorted(refs.split('\n'))).toEqual(['refs/heads/flatcar-9000', 'refs/heads/main', `refs/tags/${tag}`]);
    expect(world.git('-C', world.origin, 'ls-tree', '-r', '--name-only', tag)).not.toContain('secret');
  }, 120_000);

  test('is official in every call, and of the channel', () => {
    const world = stage.current();
    const calls = world.read('calls').split('\n').filter(Boolean);
    const official = (line: string) => line.startsWith('COREOS_OFFICIAL=1 ');
    expect(calls.filter((line) => /(flatcar-images|flatcar-vms)-/.test(line)).every(official)).toBe(true);
    expect(calls.find((line) => line.includes(' build_image '))).toContain('--group=stable');
    expect(calls.find((line) => line.includes(' set_official '))).toMatch(/--official$/);
  });

  test('makes the families of formats last, and publishes without signatures', () => {
    const world = stage.current();
    const made = [...world.read('calls').matchAll(/ image_to_vm\.sh --format (\w+)/g)].map(([, format]) => format);
    expect(sorted(new Set(made))).toEqual(['ami', 'ami_vmdk', 'qemu_uefi', 'vmware', 'vmware_ova', 'vmware_raw']);
    const formats = ['ami', 'ami_vmdk', 'vmware', 'vmware_ova', 'vmware_raw'].flatMap((format) => [
      `${format}.grub`,
      `${format}_image.img.bz2`,
    ]);
    const expected = [
      ...imageStepFiles('images/arm64/9000.2.0', OEMS.all),
      ...[...formats, 'qemu_uefi.grub', 'qemu_uefi_image.img', 'qemu_uefi_image.img.bz2'].map(
        (name) => `images/arm64/9000.2.0/flatcar_production_${name}`,
      ),
    ].flatMap(withDigests);
    const brightbox = 'images/arm64/9000.2.0/flatcar_production_brightbox_image.img.bz2';
    const there = listTree(world.cache).filter((path) => path.startsWith('images/'));
    // Its link leads nowhere without openstack, so there is nothing to digest.
    expect(there).toEqual(sorted([...expected, brightbox]));
  });

  test('fetches the OEM files of its architecture only', () => {
    const fetched = stage.https.requests
      .filter(({ method, path }) => method === 'GET' && /^\/images\/arm64\/9000\.2\.0\/oem-[^.]*\.raw$/.test(path))
      .map(({ path }) => /oem-(\w+)/.exec(path)?.[1]);
    expect(sorted(new Set(fetched))).toEqual(OEMS.arm64);
  });
});
