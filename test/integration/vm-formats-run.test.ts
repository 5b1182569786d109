/** How image_to_vm.sh behaves around a conversion: compressions, wrong use, interruption, leftovers, reproducibility. */
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { convert, runImageToVm, toolEnv } from '../helpers/vm-convert.ts';
import { makeTestDisk, type TestDisk } from '../helpers/vm-test-disk.ts';

const timeoutMs = 60_000;
const root = join(import.meta.dirname, '../..');
const raw = 'skiff_production_raw_image.bin';
let folder: string;
let source: TestDisk;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-vm-run-'));
  source = await makeTestDisk(join(folder, 'from'));
}, timeoutMs);

afterAll(() => rm(folder, { recursive: true, force: true }));

const byName = (a: string, b: string): number => a.localeCompare(b);
const filesOf = async (to: string): Promise<string[]> => (await readdir(to)).toSorted(byName);
const flags = (format: string, to: string): string[] => ['--format', format, '--from', source.folder, '--to', to];
const sha256 = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

describe('the list of compressions', () => {
  const unpack = [
    ['zst', 'zstd', '-dc'],
    ['gz', 'gzip', '-dc'],
    ['bz2', 'bzip2', '-dc'],
    ['zip', 'unzip', '-p'],
  ];

  test.each(unpack)(
    '%s holds the disk',
    async (compression, program = '', flag = '') => {
      const to = join(folder, `only-${compression}`);
      await convert(source.folder, to, 'raw', compression);
      expect(await filesOf(to)).toEqual([`${raw}.${compression}`]);
      const unpacked = join(folder, 'unpacked.raw');
      await execa(program, [flag, join(to, `${raw}.${compression}`)], {
        stdout: { file: unpacked },
        buffer: false,
      });
      await execa('cmp', [unpacked, source.disk]);
    },
    timeoutMs,
  );

  test(
    'the uncompressed file stays when none is in the list, or when it is not said to drop it',
    async () => {
      const [listed, kept] = [join(folder, 'listed'), join(folder, 'kept')];
      await convert(source.folder, listed, 'raw', 'gz,none');
      expect(await filesOf(listed)).toEqual([raw, `${raw}.gz`]);
      await runImageToVm([...flags('raw', kept), '--image_compression_formats=gz']);
      expect(await filesOf(kept)).toEqual([raw, `${raw}.gz`]);
    },
    timeoutMs,
  );

  test(
    'a format that vendors take only as it is stays as it is',
    async () => {
      const to = join(folder, 'ova');
      await convert(source.folder, to, 'vmware_ova', 'bz2');
      expect(await filesOf(to)).toEqual(['skiff_production_vmware_ova_image.ova']);
    },
    timeoutMs,
  );
});

describe('wrong use ends with 2 and says what is right', () => {
  const wrong: [string, string[], RegExp][] = [
    ['an unknown format', ['--format', 'vmware_ovaa'], /unknown format "vmware_ovaa".*vmware_ova\?.*azure.*qemu_uefi/s],
    ['no format', [], /--format is missing.*azure/s],
    ['an unknown compression', ['--format', 'raw', '--image_compression_formats=xz'], /"xz".*none, zst, gz, bz2, zip/s],
    ['an unknown flag', ['--formt', 'raw'], /formt/],
    ['no folder', ['--format', 'raw'], /--from is missing/],
    ['a folder without an image', ['--format', 'raw', '--from', tmpdir()], /has no skiff_production_image\.bin/],
  ];

  test.each(wrong)('%s', async (_, args, message) => {
    const result = await runImageToVm(args);
    expect(result.stderr).toMatch(message);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });
});

describe('nothing is left half-done', () => {
  test('a disk without a partition table makes no ISO and no leftovers', async () => {
    const [from, to] = [join(folder, 'no-gpt'), join(folder, 'no-iso')];
    await mkdir(from);
    for (const name of ['bin', 'vmlinuz'])
      await writeFile(join(from, `skiff_production_image.${name}`), 'x'.repeat(2048));
    await writeFile(join(from, 'version.txt'), 'SKIFF_VERSION=1.0.0\n');
    const result = await runImageToVm(['--format', 'iso', '--from', from, '--to', to]);
    expect([result.exitCode, await filesOf(to)]).toEqual([1, []]);
    expect(result.stderr).toMatch(/has no GPT/);
  });

  test('a failing tool ends with 1 and its message', async () => {
    const [tools, to] = [join(folder, 'tools'), join(folder, 'broken')];
    await mkdir(tools);
    await writeFile(join(tools, 'qemu-img'), '#!/bin/sh\necho no space left >&2\nexit 9\n', { mode: 0o755 });
    const path = `${tools}:${toolEnv().PATH}`;
    const result = await execa(join(root, 'skiff/image_to_vm.sh'), flags('openstack', to), {
      env: { ...toolEnv(), PATH: path },
      reject: false,
    });
    expect([result.exitCode, await filesOf(to)]).toEqual([1, []]);
    expect(result.stderr).toMatch(/no space left/);
  });

  test(
    'SIGTERM stops the tools, cleans up and ends with 143',
    async () => {
      const [tools, to] = [join(folder, 'slow'), join(folder, 'stopped')];
      await mkdir(tools);
      await writeFile(join(tools, 'qemu-img'), `#!/bin/sh\necho $$ >${tools}/pid\nexec sleep 60\n`, { mode: 0o755 });
      const running = execa(join(root, 'skiff/image_to_vm.sh'), flags('openstack', to), {
        env: { ...toolEnv(), PATH: `${tools}:${toolEnv().PATH}` },
        reject: false,
      });
      while (
        !(await access(join(tools, 'pid')).then(
          () => true,
          () => false,
        ))
      )
        await sleep(50);
      await sleep(50);
      running.kill('SIGTERM');
      expect((await running).exitCode).toBe(143);
      expect(await filesOf(to)).toEqual([]);
      const pid = Number(await readFile(join(tools, 'pid'), 'utf8'));
      expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
    },
    timeoutMs,
  );

  test('what a killed run left behind is removed by the next one', async () => {
    const to = join(folder, 'leftover');
    const dead = (await execa('sh', ['-c', 'echo $$'])).stdout;
    await mkdir(join(to, `.image_to_vm-raw-${dead}`), { recursive: true });
    await mkdir(join(to, `.image_to_vm-raw-${process.pid}`));
    await convert(source.folder, to, 'raw');
    expect(await filesOf(to)).toEqual([`.image_to_vm-raw-${process.pid}`, raw]);
  });
});

/** Formats with something that their tools make random or take from the clock, the file system or the machine. */
const fragile = [
  'azure',
  'hyperv',
  'hyperv_vhdx',
  'vmware_ova',
  'gce',
  'iso',
  'pxe',
  'vagrant',
  'qemu_uefi',
  'qemu_uefi_secure',
];

test.each(fragile)(
  '%s is the same on another day, in another time zone, from a copy without holes',
  async (format) => {
    const [first, second, from] = [join(folder, 'first'), join(folder, 'second'), join(folder, 'dense')];
    await execa('cp', ['--recursive', '--sparse=never', source.folder, from]);
    await utimes(join(from, 'skiff_production_image.bin'), 1e9, 1e9);
    await convert(source.folder, first, format);
    const args = ['--format', format, '--from', from, '--to', second, '--only_store_compressed'];
    const other = await runImageToVm(args, { TZ: 'Asia/Tokyo', LC_ALL: 'C', UV_THREADPOOL_SIZE: '1' });
    expect(other.exitCode).toBe(0);
    for (const name of await filesOf(first)) {
      expect([name, await sha256(join(second, name))]).toEqual([name, await sha256(join(first, name))]);
    }
    for (const made of [first, second, from]) await rm(made, { recursive: true });
  },
  timeoutMs,
);

test(
  'two formats at a time do not disturb each other',
  async () => {
    const to = join(folder, 'together');
    await Promise.all(['openstack', 'azure', 'pxe'].map((format) => convert(source.folder, to, format)));
    expect(await filesOf(to)).toEqual([
      'skiff_production_azure_image.vhd',
      'skiff_production_openstack_image.img',
      'skiff_production_pxe_image.cpio',
      'skiff_production_pxe.ipxe',
      'skiff_production_pxe.vmlinuz',
    ]);
  },
  timeoutMs,
);
