import { $ } from 'zx';
import type { TreeDescription } from '../../lib/tree/index.ts';

/** The part of a name template before the first placeholder that changes from build to build. */
const prefixOf = (template: string, arch: string): string => template.replace('${arch}', arch).split('${')[0] ?? '';

/**
 * Removes the containers that the steps leave for looking into, and the packages images of earlier nightlies. The SDK and the newest packages image
 * stay in the engine: the next nightly starts from them.
 *
 * @param engine command of the container engine, for example `docker`
 * @param current tag of the packages image to keep
 */
export const freeContainers = async (
  description: TreeDescription,
  { arch, engine, current }: { arch: string; engine: readonly string[]; current: string },
): Promise<void> => {
  const run = $({ quiet: true });
  const prefixes = [description.packages.container, description.image.container, description.vms.container];
  for (const prefix of prefixes.map((template) => prefixOf(template, arch))) {
    const ids = (await run`${engine} ps --all --quiet --filter ${`name=^${prefix}`}`).stdout
      .split('\n')
      .filter(Boolean);
    if (ids.length > 0) await run`${engine} rm --force ${ids}`;
  }
  const image = prefixOf(description.packages.image, arch);
  const tags = (await run`${engine} images ${image} --format ${'{{.Tag}}'}`).stdout.split('\n').filter(Boolean);
  const old = tags.filter((tag) => tag !== current).map((tag) => `${image}:${tag}`);
  if (old.length > 0) await run`${engine} rmi --force ${old}`.nothrow();
};
