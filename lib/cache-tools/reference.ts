import { slipwayError } from '../errors/index.ts';
import { deriveDockerForm } from '../version/index.ts';

/** An image of the cache. */
export interface ImageReference {
  readonly name: string;
  /** With `-` for `+`. */
  readonly version: string;
}

/**
 * Reads `NAME:VERSION`, as `cache ls` prints it; the version may have its `+`.
 *
 * Throws `CONTAINER_NAME_INVALID`.
 * @example parseReference('skiff-sdk-amd64:1.2.0+nightly-1') // { name: 'skiff-sdk-amd64', version: '1.2.0-nightly-1' }
 */
export const parseReference = (text: string): ImageReference => {
  const [, name, version] = /^([^:]+):([^:]+)$/.exec(text) ?? [];
  if (name !== undefined && version !== undefined) return { name, version: deriveDockerForm(version) };
  const [word = '', ...rest] = text.split(':');
  throw slipwayError('CONTAINER_NAME_INVALID', { name: word, version: rest.join(':') });
};
