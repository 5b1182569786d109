import { hash } from 'node:crypto';
import { chainIdsOf } from './chain-id.ts';

/** JSON as Go writes it: keys of the outermost object sorted, and what could harm HTML escaped. */
const goJson = (value: Readonly<Record<string, unknown>>): string => {
  const sorted = Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify(sorted).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
};

/**
 * Finds which layer it is that docker saves as `ID/layer.tar`, from `ID/json`, which comes before it. The ID is the sha256 of that text
 * without what was added afterwards, and with the chain ID of the layer: so each layer of the image is tried
 * (docker's image/v1/imagev1.go, CreateID).
 *
 * @param id name of the folder, 64 hex digits
 * @param json content of `ID/json`
 * @param diffIds the image's layers
 * @returns the diff ID, or undefined when none fits, as with versions of docker that count otherwise
 */
export const findV1Layer = (id: string, json: string, diffIds: readonly string[]): string | undefined => {
  let config: Readonly<Record<string, unknown>>;
  try {
    config = JSON.parse(json) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
  const { id: _id, parent, os, ...common } = config;
  const below = typeof parent === 'string' ? { parent: `sha256:${parent}` } : {};
  const chainIds = chainIdsOf(diffIds);
  return diffIds.find((_, at) =>
    // The layers below the top one get their system only after the ID was computed.
    [{}, { os }].some(
      (system) => hash('sha256', goJson({ ...common, ...system, ...below, layer_id: `sha256:${chainIds[at]}` })) === id,
    ),
  );
};
