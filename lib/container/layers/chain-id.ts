import { hash } from 'node:crypto';

/**
 * Chain IDs of an image's layers: each names a layer together with all below it.
 * (https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid)
 *
 * @param diffIds 64 hex digits each, lowest first
 * @returns one for each layer, 64 hex digits
 */
export const chainIdsOf = (diffIds: readonly string[]): string[] => {
  const chainIds: string[] = [];
  for (const diffId of diffIds) {
    const below = chainIds.at(-1);
    chainIds.push(below === undefined ? diffId : hash('sha256', `sha256:${below} sha256:${diffId}`));
  }
  return chainIds;
};
