import * as v from 'valibot';
import type { BootProfile, FailureSign } from './types.ts';

/** What Linux, the verity target and systemd say on the console when there is nothing left to wait for. */
const COMMON_FAILURE_SIGNS: readonly FailureSign[] = [
  { name: 'kernel panic', pattern: 'Kernel panic - not syncing' },
  {
    name: 'dm-verity failure',
    pattern: 'device-mapper: verity: .*(corrupted|is not valid)|dm-verity device corrupted',
  },
  { name: 'emergency mode', pattern: 'You are in emergency mode|Entering emergency mode' },
  { name: 'no bootable device', pattern: 'No bootable device|BdsDxe: No bootable option or device was found' },
];

const isPattern = (text: string): boolean => {
  try {
    new RegExp(text, 'm');
    return true;
  } catch {
    return false;
  }
};

const pattern = v.pipe(v.string(), v.minLength(1), v.check(isPattern, 'must be a regular expression'));
const whole = (least: number) => v.pipe(v.number(), v.integer(), v.minValue(least));
const failureSign = v.strictObject({ name: v.string(), pattern });

const injection = v.strictObject({
  channel: v.picklist(['smbios-credential', 'fw-cfg']),
  name: v.pipe(v.string(), v.regex(/^[\w./-]+$/, 'must consist of letters, digits and ./_-')),
  text: v.optional(v.string(), '{publicKey}'),
});

/**
 * The boot profile of a tree as it is written in its description; only what differs from the defaults has to be there.
 * The tree's own failure signs come on top of the common ones.
 */
export const bootProfileSchema = v.pipe(
  v.strictObject({
    firmware: v.optional(v.picklist(['bios', 'uefi', 'uefi-secure']), 'uefi'),
    memoryMiB: v.optional(whole(64), 1024),
    cpus: v.optional(whole(1), 2),
    loginPattern: v.optional(pattern, '^[^\\n]* login: '),
    failureSigns: v.optional(v.array(failureSign), []),
    sshUser: v.pipe(v.string(), v.regex(/^[a-z_][\w-]*$/, 'must be a user name')),
    inject: v.optional(v.array(injection), []),
    network: v.optional(v.picklist(['isolated', 'open']), 'isolated'),
    bootTimeoutMs: v.optional(whole(1), 240_000),
    sshTimeoutMs: v.optional(whole(1), 60_000),
    shutdownTimeoutMs: v.optional(whole(1), 60_000),
  }),
  v.transform(
    (profile): BootProfile => ({ ...profile, failureSigns: [...COMMON_FAILURE_SIGNS, ...profile.failureSigns] }),
  ),
);

/** How one image format is started: the published file, what QEMU sees in it, and a firmware other than the profile's. */
export const bootImageSchema = v.variant('kind', [
  v.strictObject({
    kind: v.literal('disk'),
    file: v.string(),
    format: v.picklist(['raw', 'qcow2', 'vmdk', 'vpc', 'vhdx', 'vdi']),
    firmware: v.optional(v.picklist(['bios', 'uefi', 'uefi-secure'])),
  }),
  v.strictObject({
    kind: v.literal('cdrom'),
    file: v.string(),
    firmware: v.optional(v.picklist(['bios', 'uefi', 'uefi-secure'])),
  }),
]);
