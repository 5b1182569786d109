import { localReferences } from './image-names.ts';
import type { Engine, ImageName } from './types.ts';

/** An image that the engine has. */
export interface LocalImage {
  readonly reference: string;
  /** 64 hex digits. */
  readonly id: string;
}

/** The images under the names that the engine knows; under two names there may be two. */
export const findLocalImages = async (engine: Engine, image: ImageName): Promise<readonly LocalImage[]> => {
  const found: LocalImage[] = [];
  for (const reference of localReferences(image)) {
    const id = await engine.imageId(reference);
    if (id !== undefined) found.push({ reference, id });
  }
  return found;
};

/**
 * The image under the first of its names that the engine knows.
 *
 * @returns reference and ID, or undefined
 */
export const findLocalImage = async (engine: Engine, image: ImageName): Promise<LocalImage | undefined> =>
  (await findLocalImages(engine, image))[0];
