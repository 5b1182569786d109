import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

const readOr = (read: () => string): string => {
  try {
    return read();
  } catch {
    return '';
  }
};

/** Tells machines, boots and process-ID namespaces (containers) apart: in each of them process IDs mean something else. */
const getPlace = (): string => {
  const parts = [
    hostname(),
    readOr(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    readOr(() => readlinkSync('/proc/self/ns/pid')),
  ];
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12);
};

/**
 * A name for something of this process that others may meet: place, process ID, random. Safe in file names.
 *
 * @example makeOwnName() // 'a1b2c3d4e5f6-4711-0123456789ab'
 */
export const makeOwnName = (): string => `${getPlace()}-${process.pid}-${randomBytes(6).toString('hex')}`;

type OwnerState = 'alive' | 'dead' | 'unknown';

const stateOf = (ownName: string): OwnerState => {
  const [place, pid] = ownName.split('-');
  if (place !== getPlace() || !/^[1-9]\d*$/.test(pid ?? '')) return 'unknown';
  try {
    process.kill(Number(pid), 0);
    return 'alive';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'dead' : 'alive';
  }
};

/**
 * Whether the process that made `ownName` has certainly ended. False when that cannot be told from here.
 *
 * @param ownName from {@link makeOwnName}, maybe on another machine
 */
export const isOwnerDead = (ownName: string): boolean => stateOf(ownName) === 'dead';

/** Whether the process that made `ownName` is there. False when that cannot be told from here. */
export const isOwnerAlive = (ownName: string): boolean => stateOf(ownName) === 'alive';
