import type { Command } from '../process/index.ts';
import { archTraits, type FirmwareFiles } from './arch.ts';
import type { Accelerator, Arch, BootProfile, Firmware, Injection, Media } from './types.ts';

/** All that decides QEMU's command line. Paths are absolute. */
export interface MachinePlan {
  readonly arch: Arch;
  readonly accelerator: Accelerator;
  readonly profile: BootProfile;
  readonly media: Media;
  /** Where the disk's writes go; used for `disk` media. */
  readonly overlayFile: string;
  readonly firmware: FirmwareFiles | undefined;
  readonly consoleFile: string;
  /** The throwaway key, `ssh-ed25519 AAAA… comment`. */
  readonly publicKey: string;
}

/** QEMU splits options at commas; two of them stand for one. */
const escapeValue = (value: string): string => value.replaceAll(',', ',,');

const acceleratorArgs = (plan: MachinePlan): string[] =>
  plan.accelerator === 'kvm'
    ? ['-accel', 'kvm', '-cpu', 'host']
    : ['-accel', 'tcg,thread=multi', '-cpu', archTraits[plan.arch].emulatedCpu];

/** `-machine` for a firmware. */
export const machineArgs = (arch: Arch, firmware: Firmware): string[] => [
  '-machine',
  archTraits[arch].machine[firmware] ?? 'virt',
];

/** The firmware's two flash chips. */
export const firmwareArgs = (files: FirmwareFiles, firmware: Firmware): string[] => {
  const flash = (unit: number, file: string, readonly: 'on' | 'off'): string[] => [
    '-drive',
    `if=pflash,format=raw,unit=${unit},readonly=${readonly},file=${escapeValue(file)}`,
  ];
  // Without this a guest could write the keys that Secure Boot trusts.
  const secure = firmware === 'uefi-secure' ? ['-global', 'driver=cfi.pflash01,property=secure,value=on'] : [];
  return [...secure, ...flash(0, files.code, 'on'), ...flash(1, files.vars, 'off')];
};

const mediaArgs = ({ media, overlayFile }: MachinePlan): string[] => {
  if (media.kind === 'disk') {
    // The overlay is thrown away: nothing gained by waiting for its bytes to reach the host's disk.
    const drive = `if=none,id=disk,format=qcow2,cache=unsafe,discard=unmap,file=${escapeValue(overlayFile)}`;
    return ['-drive', drive, '-device', 'virtio-blk-pci,drive=disk,bootindex=1'];
  }
  if (media.kind === 'cdrom') {
    const drive = `if=none,id=cd,media=cdrom,format=raw,readonly=on,file=${escapeValue(media.file)}`;
    return ['-drive', drive, '-device', 'virtio-scsi-pci', '-device', 'scsi-cd,drive=cd,bootindex=1'];
  }
  const initrd = media.initrd === undefined ? [] : ['-initrd', media.initrd];
  const append = media.commandLine === undefined ? [] : ['-append', media.commandLine];
  return ['-kernel', media.kernel, ...initrd, ...append];
};

const injectionArgs = (injection: Injection, publicKey: string): string[] => {
  const text = injection.text.replaceAll('{publicKey}', publicKey);
  if (injection.channel === 'fw-cfg') return ['-fw_cfg', `name=${injection.name},string=${escapeValue(text)}`];
  const base64 = Buffer.from(text).toString('base64');
  return ['-smbios', `type=11,value=io.systemd.credential.binary:${injection.name}=${base64}`];
};

/**
 * The QEMU command of a machine: serial console to a file, control protocol (QMP) on standard input and output, ssh forwarded
 * from a free loopback port that QEMU itself picks, no window, no default devices. Pure; a plan can show it.
 */
export const assembleQemuCommand = (plan: MachinePlan): Command => {
  const { arch, profile, consoleFile, publicKey } = plan;
  const { program } = archTraits[arch];
  const restrict = profile.network === 'isolated' ? ',restrict=on' : '';
  return [
    program,
    '-nodefaults',
    '-no-user-config',
    ...machineArgs(arch, profile.firmware),
    ...acceleratorArgs(plan),
    ...['-m', `${profile.memoryMiB}M`, '-smp', `${profile.cpus}`],
    ...['-display', 'none'],
    ...['-chardev', 'stdio,id=control,signal=off', '-mon', 'chardev=control,mode=control'],
    ...['-chardev', `file,id=console,path=${escapeValue(consoleFile)}`, '-serial', 'chardev:console'],
    ...(plan.firmware ? firmwareArgs(plan.firmware, profile.firmware) : []),
    ...['-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng'],
    ...['-netdev', `user,id=net,hostfwd=tcp:127.0.0.1:0-:22${restrict}`],
    ...['-device', 'virtio-net-pci,netdev=net,romfile='],
    ...mediaArgs(plan),
    ...profile.inject.flatMap((injection) => injectionArgs(injection, publicKey)),
  ];
};
