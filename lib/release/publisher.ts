import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fill } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';
import { withPrivateFiles } from './private-files.ts';
import type { ReleaseProfile } from './profile.ts';
import { CREDENTIALS_MOUNT, type FolderTask, folderScript, shellLine } from './shell-script.ts';
import type { Release, ReleaseContext, ReleaseRequest } from './types.ts';

/**
 * The reference of the publisher's container image, from the file in the tree.
 *
 * @throws RELEASE_PUBLISHER_INVALID
 */
export const readPublisherImage = async (root: string, { publisher }: ReleaseProfile): Promise<string> => {
  const file = publisher.imageFile;
  const fail = (reason: string): Error => slipwayError('RELEASE_PUBLISHER_INVALID', { file, reason });
  const text = await readFile(join(root, file), 'utf8').catch((error: Error) => {
    throw fail(error.message);
  });
  const image = text.trim();
  if (!/^\w[\w.:/@-]*$/.test(image)) throw fail(`'${image.slice(0, 80)}' is no reference of a container image`);
  return image;
};

/** Name of the publisher's container. */
export const publisherContainer = ({ profile, facts }: ReleaseRequest): string =>
  fill(profile.publisher.container, facts);

/** Runs tasks in the publisher's container, with the credentials of the groups. */
const runPublisher = async (
  context: ReleaseContext,
  release: Release,
  groups: readonly string[],
  tasks: readonly FolderTask[],
): Promise<void> => {
  const { engine, root } = context;
  const { mount } = release.profile.publisher;
  const name = publisherContainer(release);
  const image = await readPublisherImage(root, release.profile);
  // What an attempt left that was killed would be in the way.
  await engine.removeContainer(name);
  context.onInterrupt.add(`container ${name}`, () => context.rescueEngine.removeContainer(name));
  await withPrivateFiles(context, release.credentials.of(groups), (folder) =>
    context.effects.run([
      ...engine.command,
      ...['run', '--pull', 'always', '--rm', `--name=${name}`, '--net', 'host'],
      ...['-w', mount, '-v', `${root}:${mount}`, '-v', `${folder}:${CREDENTIALS_MOUNT}:ro`],
      ...[image, 'bash', '-c', folderScript(tasks)],
    ]),
  );
};

/** File in a folder of the pre-release that says which version its lists are for. */
export const STAMP = '.slipway-version';

/** Makes the images known to the clouds, and leaves the lists of where they are. */
export const preRelease = async (context: ReleaseContext, release: Release): Promise<void> => {
  const { profile, facts, arches, credentials } = release;
  const { needs, platforms, folder, command } = profile.preRelease;
  const tasks = platforms.flatMap((platform) =>
    arches.map((arch): FolderTask => {
      const all = { ...facts, platform, arch };
      const stamp = shellLine(['printf', '%s', facts.version], {}, []);
      return {
        folder: fill(folder, all),
        inside: [shellLine(command, all, credentials.of(needs)), `${stamp} >${STAMP}`],
      };
    }),
  );
  await runPublisher(context, release, needs, tasks);
};

/**
 * Publishes the images in the clouds' shops.
 *
 * @param productIds by architecture, joined by commas
 */
export const publishOffers = async (
  context: ReleaseContext,
  release: Release,
  productIds: ReadonlyMap<string, string>,
): Promise<void> => {
  const { profile, facts, arches, credentials } = release;
  const { needs, folder, command } = profile.offers;
  const tasks = arches.map((arch): FolderTask => {
    const all = { ...facts, arch, productIds: productIds.get(arch) ?? '' };
    return { folder: fill(folder, all), inside: [shellLine(command, all, credentials.of(needs))] };
  });
  await runPublisher(context, release, needs, tasks);
};

/** Uploads the templates. @param source their folder, relative to the root of the tree */
export const uploadTemplates = async (context: ReleaseContext, release: Release, source: string): Promise<void> => {
  const { facts, credentials, profile } = release;
  const { needs, folder, environment, upload } = profile.templates;
  const own = credentials.of(needs);
  const settings = Object.entries(environment).map(
    ([name, value]) => `export ${name}=${shellLine([value], facts, own)}`,
  );
  const beside = [...settings, shellLine(upload, { ...facts, folder }, own)];
  const inside = [`cp -- ${shellLine([`${'../'.repeat(folder.split('/').length)}${source}`], {}, [])}/* .`];
  await runPublisher(context, release, needs, [{ folder, inside, beside }]);
};
