import { Fault } from './fault.ts';

/** Boot entry of slot A, below the root of EFI-SYSTEM. */
export const entryFile = 'loader/entries/a.conf';

/** Parse a Boot Loader Specification entry: `key value` lines, `#` comments. */
export function parseBootEntry(text: string): { linux: string; initrd: string; options: string } {
  const lines = text.split('\n').map((line) => /^\s*([a-z-]+)\s+(.*?)\s*$/.exec(line));
  const read = (key: string) => lines.flatMap((line) => (line?.[1] === key ? [line[2] ?? ''] : []));
  const [initrd, ...others] = read('initrd');
  if (!initrd || others.length > 0) {
    throw new Fault(`${entryFile} has ${others.length + (initrd ? 1 : 0)} initrd lines, expected one`);
  }
  const [linux] = read('linux');
  if (!linux) throw new Fault(`${entryFile} has no linux line`);
  return { linux, initrd, options: read('options').join(' ') };
}

/**
 * Command line of a system that needs no disk, made from that of a boot entry: the root hash stays, the slot goes.
 * @param where what image/initramfs/init takes for skiff.live: `initrd`, or the label of an ISO 9660 volume
 */
export function liveOptions(options: string, where: string): string {
  const words = options.split(/\s+/).filter((word) => word !== '' && !word.startsWith('skiff.slot='));
  return [...words, `skiff.live=${where}`].join(' ');
}
