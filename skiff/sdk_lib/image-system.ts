import fs from 'node:fs/promises';
import path from 'node:path';
import { Fault } from './fault.ts';

/** What image/system.yaml says. */
export interface SystemPlan {
  /** globs of paths to remove, relative to the root */
  prune: string[];
  /** words to take out of files that packages bring */
  edits: { file: string; remove: string }[];
  /** units that start with a target */
  wants: Record<string, string[]>;
  /** commands that busybox does when no package brings them */
  applets: string[];
  /** folders that no package owns */
  folders: string[];
  /** link path -> target */
  links: Record<string, string>;
}

const unitFolder = 'usr/lib/systemd/system';

/**
 * Reads image/system.yaml.
 * @param file absolute path
 */
export async function readSystemPlan(file: string): Promise<SystemPlan> {
  return YAML.parse(await fs.readFile(file, 'utf8')) as SystemPlan;
}

/**
 * Makes exactly the listed units start: drops every *.wants folder that packages brought, in /usr and in /etc, and writes
 * the listed links. Links lie in /usr, so an update may change them and an administrator may mask them in /etc.
 * @param root root filesystem of the target
 * @param wants units by target
 * @throws Fault for a unit that is not in the image
 */
export async function linkUnits(root: string, wants: SystemPlan['wants']): Promise<void> {
  const folder = path.join(root, unitFolder);
  await fs.rm(path.join(root, 'etc/systemd/system'), { recursive: true, force: true });
  await fs.mkdir(path.join(root, 'etc/systemd/system'), { recursive: true });
  for (const name of await fs.readdir(folder)) {
    if (name.endsWith('.wants')) await fs.rm(path.join(folder, name), { recursive: true });
  }
  for (const [target, units] of Object.entries(wants)) {
    await fs.mkdir(path.join(folder, `${target}.wants`));
    for (const unit of units) {
      // An instance (getty@tty1.service) is a link to its template (getty@.service).
      const source = unit.replace(/@[^.]+\./, '@.');
      if (!(await exists(path.join(folder, source)))) {
        throw new Fault(`image/system.yaml: ${target} wants ${unit}, but no package has ${source}`);
      }
      await fs.symlink(`../${source}`, path.join(folder, `${target}.wants`, unit));
    }
  }
}

/**
 * Takes words out of files that packages bring.
 * @throws Fault when one is not there: the package has changed, and so may the reason for the edit
 */
export async function editFiles(root: string, edits: SystemPlan['edits']): Promise<void> {
  for (const { file, remove } of edits) {
    const text = await fs.readFile(path.join(root, file), 'utf8');
    if (!text.includes(remove)) throw new Fault(`image/system.yaml: ${file} has no "${remove}" any more`);
    await fs.writeFile(path.join(root, file), text.replaceAll(remove, ''));
  }
}

/** Makes the folders and links that no package owns. */
export async function makeFolders(root: string, { folders, links }: SystemPlan): Promise<void> {
  for (const folder of folders) await fs.mkdir(path.join(root, folder), { recursive: true, mode: 0o755 });
  for (const [link, target] of Object.entries(links)) {
    await fs.mkdir(path.join(root, path.dirname(link)), { recursive: true });
    await fs.rm(path.join(root, link), { force: true });
    await fs.symlink(target, path.join(root, link));
  }
}

async function exists(file: string): Promise<boolean> {
  return fs.lstat(file).then(
    () => true,
    () => false,
  );
}
