import { access, constants, copyFile } from 'node:fs/promises';
import { slipwayError } from '../errors/index.ts';
import { archTraits, type FirmwareFiles } from './arch.ts';
import type { Arch, Firmware } from './types.ts';

const isReadable = (file: string): Promise<boolean> =>
  access(file, constants.R_OK).then(
    () => true,
    () => false,
  );

/**
 * Finds the installed flash images of a firmware.
 *
 * @returns undefined for `bios`, which QEMU brings along
 * @throws FIRMWARE_MISSING with the places that were searched
 */
export const findFirmware = async (arch: Arch, firmware: Firmware): Promise<FirmwareFiles | undefined> => {
  if (firmware === 'bios') return undefined;
  const traits = archTraits[arch];
  for (const files of traits.firmware[firmware]) {
    if ((await isReadable(files.code)) && (await isReadable(files.vars))) return files;
  }
  const searched = traits.firmware[firmware].flatMap((files) => [files.code, files.vars]);
  throw slipwayError('FIRMWARE_MISSING', { firmware, arch, searched, package: traits.firmwarePackage });
};

/**
 * The firmware of one machine: the code as installed, the variables as a copy, so that one boot never sees what another left.
 *
 * @param varsFile absolute path for the copy
 */
export const prepareFirmware = async (
  arch: Arch,
  firmware: Firmware,
  varsFile: string,
): Promise<FirmwareFiles | undefined> => {
  const files = await findFirmware(arch, firmware);
  if (!files) return undefined;
  await copyFile(files.vars, varsFile, constants.COPYFILE_EXCL);
  return { code: files.code, vars: varsFile };
};
