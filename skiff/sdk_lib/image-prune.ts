import fs from 'node:fs/promises';
import path from 'node:path';

/** `dir` means the folder itself, not what is in it; links are removed, not followed. */
function globOptions(cwd: string) {
  return { cwd, dot: true, onlyFiles: false, followSymbolicLinks: false, expandDirectories: false };
}

/**
 * Removes what image/system.yaml lists, and then scripts in the program folders that nothing can run any more.
 * @param root root filesystem of the target
 * @param patterns globs relative to it
 */
export async function prune(root: string, patterns: string[]): Promise<void> {
  const found = await glob(patterns, globOptions(root));
  await Promise.all(found.map((name) => fs.rm(path.join(root, name), { recursive: true, force: true })));
  for (const folder of ['usr/bin', 'usr/sbin']) await removeDeadPrograms(root, folder);
}

/** Scripts without their interpreter, and links to programs that are gone. */
async function removeDeadPrograms(root: string, folder: string): Promise<void> {
  const names = await fs.readdir(path.join(root, folder));
  const dead = await Promise.all(names.map((name) => isDead(root, path.join(root, folder, name))));
  await Promise.all(names.map((name, index) => (dead[index] ? fs.rm(path.join(root, folder, name)) : undefined)));
}

async function isDead(root: string, file: string): Promise<boolean> {
  const target = await resolveIn(root, file);
  if (target === undefined) return true;
  const interpreter = await readInterpreter(target);
  return interpreter !== undefined && (await resolveIn(root, path.join(root, interpreter))) === undefined;
}

/** Interpreter in the #! line of a file, absolute inside the root; undefined for anything that is not a script. */
async function readInterpreter(file: string): Promise<string | undefined> {
  const handle = await fs.open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(128), 0, 128, 0);
    return /^#! *(\/\S+)/.exec(buffer.toString('latin1', 0, bytesRead))?.[1];
  } finally {
    await handle.close();
  }
}

/**
 * Follows links as they would be followed inside a root filesystem, where an absolute target begins at that root.
 * @param root absolute path of the root filesystem
 * @param file absolute path outside, below root
 * @returns absolute path outside of the final file, or undefined when it is not there
 */
export async function resolveIn(root: string, file: string): Promise<string | undefined> {
  let todo = path.relative(root, file).split('/');
  let done = root;
  for (let follows = 0; todo.length > 0; ) {
    const [name = '', ...rest] = todo;
    const next = path.join(done, name);
    const stat = name === '..' ? undefined : await fs.lstat(next).catch(() => null);
    if (stat === null) return undefined;
    if (stat?.isSymbolicLink()) {
      if (++follows > 40) return undefined;
      const target = await fs.readlink(next);
      if (target.startsWith('/')) done = root;
      todo = [...target.split('/').filter((part) => part !== '' && part !== '.'), ...rest];
      continue;
    }
    // `..` of the root is the root, as in a chroot.
    done = name === '..' && done === root ? root : next;
    todo = rest;
  }
  return done;
}
