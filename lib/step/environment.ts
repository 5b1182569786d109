import { availableParallelism, hostname, release, totalmem, type } from 'node:os';
import type { FoundEngine } from '../container/index.ts';
import type { EventOf } from '../log/index.ts';

/**
 * What this process runs on, as an event.
 *
 * @param slipway version of Slipway
 * @param engine undefined: none is used, or none was found
 */
export const environmentEvent = (slipway: string, engine: FoundEngine | undefined): EventOf<'environment'> => ({
  kind: 'environment',
  slipway,
  node: process.versions.node,
  host: hostname(),
  system: `${type()} ${release()}`,
  arch: process.arch,
  cpus: availableParallelism(),
  memoryBytes: totalmem(),
  engine: engine && `${engine.name} ${engine.info.version}`,
});
