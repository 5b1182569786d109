import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fill } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';
import type { ReleaseRequest } from './types.ts';

const readProducts = async (root: string, file: string): Promise<Record<string, unknown>> => {
  const fail = (reason: string): Error => slipwayError('RELEASE_PRODUCTS_UNREADABLE', { file, reason });
  const text = await readFile(join(root, file), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw fail(error.code === 'ENOENT' ? 'there is no such file' : error.message);
  });
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch (error) {
    throw fail((error as Error).message);
  }
};

/**
 * The marketplace's product ids of what is released, by architecture and joined by commas.
 *
 * @throws RELEASE_PRODUCTS_UNREADABLE, RELEASE_PRODUCTS_MISSING with every key that is not there
 */
export const readProductIds = async (
  root: string,
  { profile, facts, arches }: Pick<ReleaseRequest, 'profile' | 'facts' | 'arches'>,
): Promise<ReadonlyMap<string, string>> => {
  const { file, key, more } = profile.offers.products;
  const products = await readProducts(root, file);
  const keysOf = (arch: string): string[] => [
    fill(key, { ...facts, arch }),
    ...more.filter((one) => one.group === facts.group && one.arch === arch).map((one) => one.key),
  ];
  const isId = (value: unknown): value is string => typeof value === 'string' && /^[\w-]+$/.test(value);
  const missing = arches.flatMap(keysOf).filter((name) => !isId(products[name]));
  if (missing.length > 0) throw slipwayError('RELEASE_PRODUCTS_MISSING', { file, missing });
  return new Map(
    arches.map((arch) => [
      arch,
      keysOf(arch)
        .map((name) => products[name])
        .join(','),
    ]),
  );
};
