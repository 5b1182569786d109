import { localReferences } from './image-names.ts';
import type { Engine, ImageName } from './types.ts';

/** An image that the engine has. */
export interface LocalImage {
  readonly reference: string;
  /** 64 hex digits. */
  readonly id: string;
}

/**
 * The image under the first of its names that the engine knows.
 *
 * @returns reference and ID, or undefined
 */
export const findLocalImage = async (engine: Engine, image: ImageName): Promise<LocalImage | undefined> => {
  for (const reference of localReferences(image)) {
    const id = await engine.imageId(reference);
    if (id !== undefined) return { reference, id };
  }
  return undefined;
};
