import { slipwayError } from '../errors/index.ts';
import type { CacheLayout } from './container-cache-settings.ts';
import type { ImageName } from './types.ts';

const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const VERSION = /^\w[\w.-]{0,127}$/;

/** Throws `CONTAINER_NAME_INVALID` for what no engine takes as `NAME:VERSION`, before it becomes a path in the cache. */
export const validateImageName = ({ name, version }: ImageName): void => {
  if (!NAME.test(name) || !VERSION.test(version)) throw slipwayError('CONTAINER_NAME_INVALID', { name, version });
};

/** `NAME:VERSION`, as the cache's archives call the image. */
export const plainReference = ({ name, version }: ImageName): string => `${name}:${version}`;

/** `REGISTRY/NAME:VERSION`, or undefined for images that live only in the cache. */
export const registryReference = ({ name, version, registry }: ImageName): string | undefined =>
  registry === '' ? undefined : `${registry}/${name}:${version}`;

/** The names under which the engine may have the image, in the order in which they count. */
export const localReferences = (image: ImageName): readonly string[] =>
  [plainReference(image), registryReference(image)].filter((reference) => reference !== undefined);

/** Where the cache has the image: `containers/VERSION/NAME-VERSION.EXTENSION` or `.image.json`, and `.id`. */
export const cachePaths = ({ name, version }: ImageName, extension: string) => {
  const folder = `containers/${version}`;
  return {
    folder,
    archive: `${folder}/${name}-${version}.${extension}`,
    manifest: `${folder}/${name}-${version}.image.json`,
    id: `${folder}/${name}-${version}.id`,
  };
};

/** The paths that make a published image whole, the one that appears last at the end. */
export const publishedPaths = (image: ImageName, extension: string, layout: CacheLayout): readonly string[] => {
  const { archive, manifest, id } = cachePaths(image, extension);
  return [...{ flat: [archive], dedup: [manifest], both: [archive, manifest] }[layout], id];
};
