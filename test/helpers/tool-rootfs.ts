import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const pathOf = (program: string): string | undefined => {
  try {
    return execFileSync('sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
};

const librariesOf = (file: string): string[] => {
  try {
    return [
      ...execFileSync('ldd', [file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).matchAll(
        /(\/\S+) \(0x/g,
      ),
    ].map(([, path = '']) => path);
  } catch {
    // A script, or a static program.
    return [];
  }
};

/**
 * A tar of a root folder with some of this machine's programs and their libraries: enough of a system to run scripts in a container.
 *
 * @param programs names; those that are not here are left out
 * @param toFile absolute path
 * @param scripts text of further programs by their names
 */
export const makeToolRootfs = (
  programs: readonly string[],
  toFile: string,
  scripts: Readonly<Record<string, string>> = {},
): void => {
  const root = mkdtempSync(join(tmpdir(), 'slipway-rootfs-'));
  try {
    for (const folder of ['usr/bin', 'usr/lib', 'usr/lib64', 'etc', 'root', 'work'])
      mkdirSync(join(root, folder), { recursive: true });
    mkdirSync(join(root, 'tmp'), { mode: 0o1777 });
    for (const name of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name));
    symlinkSync('usr/bin', join(root, 'sbin'));
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
    const copied = new Set<string>();
    const copy = (from: string, to: string): void => {
      if (copied.has(to)) return;
      copied.add(to);
      mkdirSync(dirname(join(root, to)), { recursive: true });
      copyFileSync(realpathSync(from), join(root, to));
    };
    for (const program of programs) {
      const path = pathOf(program);
      if (path === undefined || !path.startsWith('/')) continue;
      copy(path, `/usr/bin/${program}`);
      for (const library of librariesOf(realpathSync(path))) copy(library, library);
    }
    for (const [name, text] of Object.entries(scripts)) {
      writeFileSync(join(root, 'usr/bin', name), text, { mode: 0o755 });
    }
    if (!existsSync(join(root, 'usr/bin/sh'))) symlinkSync('bash', join(root, 'usr/bin/sh'));
    execFileSync('tar', ['--create', '--owner=0', '--group=0', '--file', toFile, '--directory', root, '.']);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
};

/** What vendor scripts use. */
export const SCRIPT_TOOLS = [
  ...[
    'bash',
    'git',
    'env',
    'cat',
    'ls',
    'cp',
    'mv',
    'rm',
    'ln',
    'mkdir',
    'touch',
    'chmod',
    'basename',
    'dirname',
    'seq',
    'sleep',
    'date',
  ],
  ...[
    'head',
    'tail',
    'tr',
    'cut',
    'sort',
    'wc',
    'tee',
    'timeout',
    'mktemp',
    'truncate',
    'base64',
    'id',
    'true',
    'false',
    'kill',
    'uname',
  ],
  ...['sed', 'grep', 'awk', 'find', 'printf', 'test', 'expr', 'mkfifo'],
];
