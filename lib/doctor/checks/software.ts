import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSlipwayError } from '../../errors/index.ts';
import type { Command } from '../../process/index.ts';
import { dpkgQuery, notInstalled, readHostPackages } from '../../setup/debian-packages.mjs';
import { missingNpmPackages } from '../../setup/npm-packages.mjs';
import { failed, ok, skipped, warning } from '../finding.ts';
import type { Check } from '../types.ts';

/** The oldest Node that runs the published package. */
const OLDEST_MAJOR = 24;

/** Version of the pinned Node; undefined where package.json is that of the published package. */
const readPinned = async (slipwayRoot: string): Promise<string | undefined> => {
  const text = await readFile(join(slipwayRoot, 'package.json'), 'utf8');
  return (JSON.parse(text) as { dependencies?: Record<string, string> }).dependencies?.node;
};

export const node: Check = {
  name: 'node',
  summary: 'the pinned Node runs this',
  async run({ slipwayRoot }) {
    const running = process.versions.node;
    const pinned = await readPinned(slipwayRoot);
    if (running === pinned) return ok(`Node ${running}, as pinned`);
    const isNew = Number.parseInt(running, 10) >= OLDEST_MAJOR;
    if (isNew && pinned === undefined) return ok(`Node ${running}`);
    if (isNew) return warning(`Node ${running} runs this, pinned is ${pinned}`, `cd ${slipwayRoot} && npm run setup`);
    return failed(
      `Node ${running} runs this, ${pinned ?? OLDEST_MAJOR} is needed`,
      `cd ${slipwayRoot} && npm run setup`,
    );
  },
};

const MOST_NAMED = 8;

/** Names of what is wrong; the first few say enough. */
const shorten = (names: readonly string[]): string =>
  names.length > MOST_NAMED
    ? `${names.slice(0, MOST_NAMED).join(', ')} and ${names.length - MOST_NAMED} more`
    : names.join(', ');

export const npmPackages: Check = {
  name: 'npm-packages',
  summary: 'npm packages as package-lock.json says',
  async run({ slipwayRoot }) {
    if (!existsSync(join(slipwayRoot, 'package-lock.json')))
      return skipped('installed as a package: npm has seen to it');
    const missing = missingNpmPackages(slipwayRoot);
    if (missing.length === 0) return ok('as package-lock.json says');
    const named = missing.map(
      ({ place, version, reason }) => `${place.replace(/^.*node_modules\//, '')} ${version} (${reason})`,
    );
    return failed(
      `${missing.length} not as package-lock.json says: ${shorten(named)}`,
      `cd ${slipwayRoot} && npm run setup`,
    );
  },
};

export const debianPackages: Check = {
  name: 'debian-packages',
  summary: 'Debian packages whose programs the steps use',
  // Asks for the engine, too, where there may be several that do not answer.
  limitMs: 25_000,
  async run({ slipwayRoot, runner, engine }) {
    const wanted = readHostPackages(slipwayRoot).filter(({ groups }) => groups.includes('nightly'));
    try {
      // Exit code 1: it does not know some of them.
      const { stdout } = await runner.run(dpkgQuery(wanted) as unknown as Command, {
        stdout: 'capture',
        okExitCodes: [0, 1],
      });
      const absent = notInstalled(wanted, stdout);
      const needsEngine = absent.some((entry) => entry.for === 'engine') && !(await engine()).found;
      const missing = absent.filter((entry) => entry.for !== 'engine' || needsEngine);
      if (missing.length === 0) return ok(`all ${wanted.length} are installed, or not needed`);
      const lines = missing.map(({ name, why }) => `${name}: ${why}`);
      const install = `apt-get update && apt-get install --no-install-recommends ${missing.map(({ name }) => name).join(' ')}`;
      return failed([`${missing.length} missing`, ...lines].join('\n'), install);
    } catch (error) {
      if (!isSlipwayError(error, 'COMMAND_NOT_FOUND')) throw error;
      return skipped('no Debian: this machine has no dpkg-query. config/host-packages.json lists what is needed');
    }
  },
};
