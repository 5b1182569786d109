/**
 * Boots real vendor images: the start script of qemu_uefi, the ISO from CD and from USB stick, PXE over a network. They come from a
 * build, so this file needs SLIPWAY_VENDOR_IMAGES=<folder with the results of the vms step> and is skipped without it; the
 * end-to-end test calls the same helpers on what it has built.
 */
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { bootByScript, bootIso, bootPxe, type VmGuest } from '../helpers/vm-guest.ts';

const images = process.env.SLIPWAY_VENDOR_IMAGES ?? '';
const timeoutMs = 300_000;
const whenThere = images === '' ? describe.skip : describe;
let guest: VmGuest | undefined;

afterEach(async () => {
  await guest?.stop();
  guest = undefined;
});

const script = (format: string): string => join(images, `skiff_production_${format}.sh`);
const iso = join(images, 'skiff_production_iso_image.iso');
const boots: [string, () => Promise<VmGuest>, root: string][] = [
  ['qemu_uefi by its start script', () => bootByScript(script('qemu_uefi')), 'ext4'],
  ['qemu by its start script', () => bootByScript(script('qemu')), 'ext4'],
  ['iso from CD', () => bootIso(iso, 'cd'), 'tmpfs'],
  ['iso from a USB stick', () => bootIso(iso, 'usb'), 'tmpfs'],
  ['pxe over the network', () => bootPxe(images), 'tmpfs'],
];

whenThere('boots to a login, /usr verified', () => {
  test.each(boots)(
    '%s',
    async (_, start, root) => {
      guest = await start();
      expect(await guest.ssh('findmnt --noheadings --output SOURCE,FSTYPE /usr')).toMatch(
        /^\/dev\/mapper\/usr +squashfs$/,
      );
      expect(await guest.ssh('findmnt --noheadings --output FSTYPE /')).toBe(root);
      expect(await guest.ssh('systemctl is-system-running --wait')).toBe('running');
    },
    timeoutMs,
  );

  test(
    'qemu_uefi_secure: firmware and kernel say that Secure Boot is enforced',
    async () => {
      guest = await bootByScript(script('qemu_uefi_secure'));
      expect(await guest.ssh('od -An -tu1 -j4 /sys/firmware/efi/efivars/SecureBoot-*')).toMatch(/^ +1$/);
      expect(await guest.ssh('dmesg')).toMatch(/secureboot: Secure boot enabled/);
    },
    timeoutMs,
  );
});
