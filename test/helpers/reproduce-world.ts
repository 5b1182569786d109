/**
 * A world of the fixture tree whose images are real disks: a GPT disk with a squashfs of what its package brings, lists of packages and files beside it.
 * What the package brings is in the world's file `less`, so that a test can change it behind the back of git.
 */
import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD, buildUpTo } from './fixture-pipeline.ts';
import { mustRun, type StepEnd } from './fixture-step.ts';
import type { FixtureWorld } from './fixture-world.ts';

/** Instead of the fixture's `build_image`. The folder of the world may be another one where it is built again, so nothing of it is in the image. */
const BUILD_IMAGE = `#!/bin/sh
. "$(dirname "$0")/fixture_lib/stand-in.sh"
output=plain
for word in "$@"; do
  case $word in
    --board=*) board=\${word#*=} ;;
    --group=*) group=\${word#*=} ;;
    --output_root=*) root=$FIXTURE_ROOT\${word#*=} ;;
  esac
done
version=$(tree_version)
folder=$root/$board/$group-$version
base=$folder/skiff_production_image
work=$(mktemp -d)
mkdir -p "$folder" "$work/usr/bin" "$work/usr/share"
cat "$FIXTURE_DIR/less" >"$work/usr/bin/less"
echo 'jq of the package jq' >"$work/usr/bin/jq"
echo "BUILD_ID=$version" >"$work/usr/share/release"
less_version=$(sed -n 1p packages/one-version 2>/dev/null || echo 590)
printf 'jq 1.6 amd64 debian\\nless %s amd64 skiff\\n' "$less_version" >"\${base}_packages.txt"
printf 'jq\\t/usr/bin/jq\\nless\\t/usr/bin/less\\n' >"\${base}_files.txt"
for file in /usr/bin/jq /usr/bin/less /usr/share/release; do
  printf -- '-rw-r--r--    0    0 %10d %s\\n' "$(stat -c %s "$work$file")" "$file"
done >"\${base}_contents.txt"
printf 'CONFIG_SQUASHFS=y\\n%s\\n' "$(cat packages/kernel-config 2>/dev/null || echo CONFIG_EXT4_FS=y)" >"\${base}_kernel_config.txt"
find "$work/usr" -exec touch -h -d @1700000000 {} +
mksquashfs "$work/usr" "$work/usr.sq" -noappend -quiet -no-progress -all-root -mkfs-time 1700000000 >/dev/null
truncate -s 12M "$base.bin"
printf 'label: gpt\\nlabel-id: 3b0e5c1a-6f1d-4f1e-9a64-5c1d8f6e2b00\\nstart=1MiB, size=10MiB, name=USR-A, uuid=3b0e5c1a-6f1d-4f1e-9a64-5c1d8f6e2b01\\n' |
  PATH=$PATH:/usr/sbin sfdisk --quiet --no-reread --no-tell-kernel "$base.bin"
dd if="$work/usr.sq" of="$base.bin" bs=1M seek=1 conv=notrunc status=none
zstd -q --rm "$base.bin"
make "$base.vmlinuz" "kernel of $version"
make "$folder/version.txt" "SKIFF_VERSION=$version"
ln -s "$group-$version" "$root/$board/latest"
rm -r "$work"
`;

/** Vendor images are a copy of the disk. */
const IMAGE_TO_VM = `#!/bin/sh
. "$(dirname "$0")/fixture_lib/stand-in.sh"
output=plain
while [ $# -gt 0 ]; do
  case $1 in
    --format) format=$2 && shift ;;
    --from) from=$FIXTURE_ROOT$2 && shift ;;
    --to) to=$FIXTURE_ROOT$2 && shift ;;
  esac
  shift
done
behave "image_to_vm.sh-$format"
cp "$from/skiff_production_image.bin" "$to/skiff_production_\${format}_image.img"
`;

/** Changes what the package brings, without a word to git. */
export const setLess = (world: FixtureWorld, text: string): void =>
  writeFileSync(join(world.folder, 'less'), `${text}\n`);

export const commit = (world: FixtureWorld, message: string): void => {
  world.git('add', '--all');
  world.git('-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org', 'commit', '--quiet', '-m', message);
  world.git('push', '--quiet', 'origin', 'HEAD:main');
};

/** Publishes {@link BUILD} in a fresh world, up to the vendor images. */
export const publishBuild = async (world: FixtureWorld): Promise<void> => {
  world.write('build_image', BUILD_IMAGE);
  world.write('image_to_vm.sh', IMAGE_TO_VM);
  for (const name of ['build_image', 'image_to_vm.sh']) chmodSync(join(world.tree, name), 0o755);
  setLess(world, 'less of the package less');
  commit(world, 'Real images');
  await buildUpTo(world, 'vms');
};

/** The nightly after {@link BUILD}. */
export const NEXT = 'main-4888.0.0-nightly-20261121-2100';

/** Publishes {@link NEXT}: another less and another kernel option. */
export const publishNext = async (world: FixtureWorld): Promise<void> => {
  world.git('checkout', '--quiet', '-B', 'main', 'origin/main');
  world.git('merge', '--quiet', BUILD.tag);
  world.write('packages/one-version', '608\n');
  world.write('packages/kernel-config', '# CONFIG_EXT4_FS is not set\n');
  setLess(world, 'less of the package less, which is longer now');
  commit(world, 'less: 608, *with* `marks`');
  await mustRun(world, 'packages', [NEXT, 'amd64']);
  await mustRun(world, 'image', ['amd64']);
};

/** The cache form of the version that is published. */
export const VERSION = BUILD.cacheForm;

const SCRIPTS = join(import.meta.dirname, '..', '..', 'ci-automation');

/** Runs a command that is no step, from a folder that is no checkout. @param how `offline`: in a network of its own without a way out */
export const runCommand = (
  world: FixtureWorld,
  script: string,
  args: readonly string[],
  { env = {}, offline = false }: { env?: Record<string, string | undefined>; offline?: boolean } = {},
): Promise<Pick<StepEnd, 'exitCode' | 'stdout' | 'stderr'>> => {
  const words = [...(offline ? ['unshare', '--net'] : []), join(SCRIPTS, `${script}.ts`), ...args];
  const own = { SLIPWAY_CACHE_DIR: join(world.folder, 'slipway'), SLIPWAY_NO_INSTALL: '1' };
  return new Promise((resolve, reject) => {
    const child = spawn(words[0] ?? '', words.slice(1), {
      cwd: world.folder,
      env: { ...world.env, ...own, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ exitCode: code ?? undefined, stdout, stderr }));
  });
};
