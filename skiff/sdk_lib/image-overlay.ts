import fs from 'node:fs/promises';
import path from 'node:path';

/**
 * Copies a folder of the checkout over a root filesystem. Owner is root, modes are 0755 for folders and programs and
 * 0644 for the rest: git keeps no more than that, and the umask of whoever cloned must not show in the image.
 * @param source folder, absolute
 * @param target folder, absolute
 */
export async function copyOverlay(source: string, target: string): Promise<void> {
  for (const entry of await fs.readdir(source, { withFileTypes: true })) {
    const from = path.join(source, entry.name);
    const to = path.join(target, entry.name);
    if (entry.isDirectory()) {
      // Only a new folder gets a mode: /root and /etc/ssl/private stay as their packages made them.
      if (await fs.mkdir(to, { recursive: true })) await fs.chmod(to, 0o755);
      await copyOverlay(from, to);
      continue;
    }
    await fs.rm(to, { force: true });
    if (entry.isSymbolicLink()) {
      await fs.symlink(await fs.readlink(from), to);
    } else {
      await fs.copyFile(from, to);
      await fs.chmod(to, (await fs.stat(from)).mode & 0o100 ? 0o755 : 0o644);
    }
  }
}
