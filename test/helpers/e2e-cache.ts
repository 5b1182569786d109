import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { inParallel } from '../../lib/process/index.ts';
import type { StepResult } from '../../lib/step/index.ts';
import { listTree } from './temp-files.ts';

/** Names of digests and signatures beside an artifact. */
export const COMPANION = /\.(sig|DIGESTS|DIGESTS\.asc|DIGESTS\.sig)$/;

/** Artifacts in the cache, without digests and signatures. @param server absolute folder */
export const listArtifacts = (server: string): string[] => listTree(server).filter((path) => !COMPANION.test(path));

/** What vouches for an artifact; results of tests have no digests, only signatures. */
const signatureFiles = (path: string): string[] =>
  path.startsWith('testing/')
    ? [`${path}.sig`]
    : [`${path}.sig`, `${path}.DIGESTS`, `${path}.DIGESTS.sig`, `${path}.DIGESTS.asc`];

/**
 * Verifies every artifact in the cache with gpgv.
 *
 * @param trustedKeys file with public keys, armored
 * @returns what is wrong, one line each
 */
export const findUnsigned = async (server: string, trustedKeys: string, temp: string): Promise<string[]> => {
  const folder = await mkdtemp(join(temp, 'keys-'));
  const keyring = join(folder, 'keys.gpg');
  try {
    // Written by gpg itself: execa would take a last byte that is a line end for one.
    await execa('gpg', ['--homedir', folder, '--dearmor', '--output', keyring, trustedKeys]);
    const gpgv = async (...files: string[]): Promise<string[]> => {
      const { exitCode, stderr } = await execa('gpgv', ['--keyring', keyring, ...files], { reject: false });
      return exitCode === 0 ? [] : [`${files.join(' ')}: ${stderr}`];
    };
    // Statements have their signature in themselves; contents of images are vouched for by the manifests that name them.
    const artifacts = listArtifacts(server).filter((path) => !/^(provenance|dedup)\//.test(path));
    const faults = await inParallel(artifacts, availableParallelism(), async (path) => {
      const missing = signatureFiles(path).filter((file) => !existsSync(join(server, file)));
      if (missing.length > 0) return missing.map((file) => `${file} is missing`);
      const at = (name: string): string => join(server, name);
      const signature = await gpgv(at(`${path}.sig`), at(path));
      return path.startsWith('testing/') ? signature : [...signature, ...(await gpgv(at(`${path}.DIGESTS.asc`)))];
    });
    return faults.flat();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** The result file of a step. @param tree absolute path of the checkout @param name for example `image-amd64` */
export const readStepResult = (tree: string, name: string): StepResult =>
  JSON.parse(readFileSync(join(tree, '__build__/slipway', `${name}.json`), 'utf8')) as StepResult;

/** Digests of what a step published, by path. */
export const outputDigests = ({ outputs }: StepResult): Record<string, string> =>
  Object.fromEntries(outputs.map(({ path, sha256 }) => [path, sha256]));
