import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { slipwayError } from '../errors/index.ts';
import type { Check } from './types.ts';

/** The checks that Slipway brings along. */
export const CHECKS_FOLDER = path.join(import.meta.dirname, 'checks');

const NAME = /^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)*$/;

/** Source as it runs here, and JavaScript as it is in the published package; declarations are neither. */
const isModule = (file: string): boolean => /\.(ts|js|mjs)$/.test(file) && !file.endsWith('.d.ts');

const faultOf = (check: Partial<Check> | undefined): string | undefined => {
  if (typeof check !== 'object') return "it has no export 'check'";
  if (typeof check.name !== 'string' || !NAME.test(check.name))
    return `its name '${check.name}' is not like 'usr.read-only'`;
  if (typeof check.summary !== 'string' || check.summary === '') return 'it has no summary';
  if (typeof check.run !== 'function') return 'it has no function run';
  return undefined;
};

const loadCheck = async (file: string): Promise<Check> => {
  const module = (await import(pathToFileURL(file).href)) as { check?: Partial<Check> };
  const reason = faultOf(module.check);
  if (reason) throw slipwayError('CHECK_MODULE_INVALID', { file, reason });
  return module.check as Check;
};

/**
 * Loads every check of the folders, one module each.
 *
 * @param folders absolute paths; default: Slipway's own checks
 * @returns in order of their names
 * @throws CHECK_MODULE_INVALID, also when two checks have the same name
 */
export const loadChecks = async (folders: readonly string[] = [CHECKS_FOLDER]): Promise<Check[]> => {
  const checks = new Map<string, Check>();
  for (const folder of folders) {
    const files = (await readdir(folder)).filter(isModule).sort();
    for (const file of files.map((name) => path.join(folder, name))) {
      const check = await loadCheck(file);
      if (checks.has(check.name)) {
        throw slipwayError('CHECK_MODULE_INVALID', {
          file,
          reason: `the name '${check.name}' is taken by another check`,
        });
      }
      checks.set(check.name, check);
    }
  }
  return [...checks.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
};
