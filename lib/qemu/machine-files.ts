import { access, constants, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { isSlipwayError, slipwayError } from '../errors/index.ts';
import type { Command, Runner } from '../process/index.ts';
import type { Media } from './types.ts';

/** The throwaway files of one machine; all in one folder that goes with it. */
export interface MachineFiles {
  readonly folder: string;
  readonly overlayFile: string;
  readonly varsFile: string;
  /** Of the key made for this machine alone: `ssh-ed25519 AAAA… comment`. */
  readonly publicKey: string;
  remove(): Promise<void>;
}

/** Runs a program of QEMU or OpenSSH; a missing one is named with the Debian package that has it. */
export const runTool = async (runner: Runner, command: Command, packageName: string): Promise<void> => {
  try {
    await runner.run(command);
  } catch (error) {
    if (!isSlipwayError(error, 'COMMAND_NOT_FOUND')) throw error;
    throw slipwayError('QEMU_MISSING', { program: command[0], package: packageName }, error);
  }
};

const filesOf = (media: Media): string[] =>
  media.kind === 'kernel' ? [media.kernel, ...(media.initrd === undefined ? [] : [media.initrd])] : [media.file];

const checkMedia = async (media: Media): Promise<void> => {
  for (const file of filesOf(media)) {
    await access(file, constants.R_OK).catch((error: unknown) => {
      throw slipwayError('VM_IMAGE_MISSING', { file }, error);
    });
  }
};

/**
 * Makes the folder of a machine: a disk overlay that takes the writes in place of the image, and an ssh key.
 *
 * @param folder absolute path; must not exist yet
 * @throws VM_IMAGE_MISSING, QEMU_MISSING
 */
export const prepareMachineFiles = async (runner: Runner, media: Media, folder: string): Promise<MachineFiles> => {
  await checkMedia(media);
  await mkdir(path.dirname(folder), { recursive: true });
  await mkdir(folder, { mode: 0o700 });
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const overlayFile = path.join(folder, 'overlay.qcow2');
  const key = path.join(folder, 'key');
  try {
    if (media.kind === 'disk') {
      const create = [
        'qemu-img',
        'create',
        '-q',
        '-f',
        'qcow2',
        '-b',
        media.file,
        '-F',
        media.format,
        overlayFile,
      ] as const;
      await runTool(runner, create, 'qemu-utils');
    }
    const keygen = ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'slipway-test', '-f', key] as const;
    await runTool(runner, keygen, 'openssh-client');
    const publicKey = (await readFile(`${key}.pub`, 'utf8')).trim();
    return { folder, overlayFile, varsFile: path.join(folder, 'vars.fd'), publicKey, remove };
  } catch (error) {
    await remove();
    throw error;
  }
};
