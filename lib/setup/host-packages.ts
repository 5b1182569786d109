import { fileURLToPath } from 'node:url';
import { isSlipwayError, slipwayError } from '../errors/index.ts';
import type { Log } from '../log/index.ts';
import type { Command, Runner } from '../process/index.ts';
import { dpkgQuery, type HostPackage, notInstalled, readHostPackages } from './debian-packages.mjs';
import type { RootRights } from './root-rights.ts';
import { type ServicePolicyTools, withoutServiceStarts } from './service-policy.ts';

/** What needs the packages. */
export type PackageGroup = 'nightly' | 'test';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Another apt may be at work, for example the machine's own daily update: wait for it, in seconds. */
const LOCK_TIMEOUT_S = 300;

const APT: Command = ['apt-get', '-q', '-o', 'Dpkg::Use-Pty=0', '-o', `DPkg::Lock::Timeout=${LOCK_TIMEOUT_S}`];

const APT_ENV = { DEBIAN_FRONTEND: 'noninteractive' };

const installCommand = (packages: readonly HostPackage[]): Command => [
  ...APT,
  'install',
  '-y',
  '--no-install-recommends',
  ...packages.map(({ name }) => name),
];

/**
 * The packages of config/host-packages.json that a group needs and that are not installed, by one call of dpkg-query. None on a
 * machine without dpkg: there its owner has to see to them.
 *
 * @param query a runner that says nothing
 */
export const findMissingPackages = async (group: PackageGroup, query: Runner): Promise<readonly HostPackage[]> => {
  const packages = readHostPackages(ROOT).filter(({ groups }) => groups.includes(group));
  try {
    // Exit code 1: it does not know some of them.
    const options = { stdout: 'capture', okExitCodes: [0, 1] } as const;
    const { stdout } = await query.run(dpkgQuery(packages) as unknown as Command, options);
    return notInstalled(packages, stdout);
  } catch (error) {
    if (isSlipwayError(error, 'COMMAND_NOT_FOUND')) return [];
    throw error;
  }
};

/** The error for a machine on which nothing may or can be installed. @param reason continues `N packages are missing, and` */
export const missingPackagesError = (packages: readonly HostPackage[], reason: string) => {
  return slipwayError('HOST_PACKAGES_MISSING', {
    packages: packages.map(({ name, why }) => ({ name, why })),
    reason,
  });
};

/**
 * Installs packages with apt, and says which and why. No service is started by that: Slipway starts what it needs itself.
 *
 * Throws `HOST_PACKAGES_MISSING` without root's rights, `HOST_PACKAGES_FAILED` when apt does not succeed.
 */
export const installPackages = async (
  packages: readonly HostPackage[],
  tools: ServicePolicyTools & { readonly log: Log },
): Promise<void> => {
  const { log, effects, rights } = tools;
  if (!rights.available) {
    throw missingPackagesError(packages, 'this user is not root and cannot use sudo without a password');
  }
  const names = packages.map(({ name }) => name);
  await log.phase(`Install Debian packages (${names.length})`, async () => {
    for (const { name, why } of packages) log.info(`${name}: ${why}`);
    await updatePackageLists(log, effects, rights);
    await withoutServiceStarts(tools, async () => {
      await effects.run(rights.wrap(installCommand(packages), APT_ENV)).catch((error: unknown) => {
        if (!isSlipwayError(error, 'COMMAND_FAILED')) throw error;
        const lastOutput = String(error.data.lastOutput);
        throw slipwayError('HOST_PACKAGES_FAILED', { packages: names, lastOutput }, error);
      });
    });
  });
};

/** One broken third-party source makes the whole update fail; the packages may be had from the others all the same. */
const updatePackageLists = async (log: Log, effects: Runner, rights: RootRights): Promise<void> => {
  const update: Command = [...APT, '-o', 'Acquire::Retries=3', 'update'];
  const { exitCode } = await effects.run(rights.wrap(update, APT_ENV), { okExitCodes: [0, 100] });
  if (exitCode !== 0) log.warn('apt-get update had errors (above); going on with the package lists that are there.');
};
