import { execFileSync } from 'node:child_process';

/** Images and containers of a stage have its folder as the value of this label. */
export const STAGE_LABEL = 'slipway-conformance';

/** Runs the engine; gives its standard output. */
export const docker = (...args: string[]): string =>
  execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 26 }).trim();

const linesOf = (text: string): string[] => text.split('\n').filter(Boolean);

const isOf = (stage: string): string[] => ['--filter', `label=${STAGE_LABEL}=${stage}`];

/** Removes the containers of a stage. */
export const removeOwnContainers = (stage: string): void => {
  const ids = linesOf(docker('ps', '--all', '--quiet', ...isOf(stage)));
  if (ids.length > 0) docker('rm', '--force', ...ids);
};

/** Removes the images of a stage, under all their names. */
export const removeOwnImages = (stage: string): void => {
  // A child has to go before its parent, and an ID that has gone with another is no fault.
  for (let round = 0; round < 5; round += 1) {
    const ids = [...new Set(linesOf(docker('images', '--all', '--quiet', ...isOf(stage))))];
    if (ids.length === 0) return;
    try {
      docker('rmi', '--force', ...ids);
    } catch {
      // Next round.
    }
  }
};

/** Names of a stage's images, sorted. */
export const ownImages = (stage: string): string[] =>
  linesOf(docker('images', '--format', '{{.Repository}}:{{.Tag}}', ...isOf(stage))).sort((a, b) => (a < b ? -1 : 1));

/** Names of a stage's containers with their state, sorted. */
export const ownContainers = (stage: string): string[] =>
  linesOf(docker('ps', '--all', '--format', '{{.Names}} {{.State}}', ...isOf(stage))).sort((a, b) => (a < b ? -1 : 1));
