import type { Command } from '../../process/index.ts';
import { type Blob, readBytes, sliceOf } from '../blob.ts';
import type { Form } from '../form.ts';
import type { Member, Opened } from '../types.ts';
import { chargeFile, NotReadable, type Workshop } from '../workshop.ts';

/** Programs that unpack from standard input to standard output. */
const UNPACK: Partial<Record<Form, Command>> = {
  gzip: ['gzip', '-d', '-c'],
  bzip2: ['bzip2', '-d', '-c'],
  xz: ['xz', '-d', '-c'],
  zstd: ['zstd', '-d', '-q', '-c'],
  lz4: ['lz4', '-d', '-q', '-c'],
};

const gzipFacts = async (blob: Blob): Promise<Record<string, string>> => {
  const head = await readBytes(blob, 0, 512);
  const seconds = head.readUInt32LE(4);
  const name = ((head[3] ?? 0) & 0x0c) === 8 ? head.toString('latin1', 10).replace(/\0.*$/s, '') : '';
  return {
    ...(seconds > 0 ? { 'time in its header': new Date(seconds * 1000).toISOString() } : {}),
    ...(name === '' ? {} : { 'name in its header': name }),
  };
};

const wrapping = (form: string, kind: Opened['kind'], content: Blob, facts: Record<string, string> = {}): Opened => ({
  form,
  kind,
  facts,
  members: new Map<string, Member>([['content', { kind: 'file', facts: {}, content }]]),
  isWrapping: true,
});

/** Unpacks what is compressed, and says what is in it. */
export const openCompressed = async (form: Form, blob: Blob, shop: Workshop): Promise<Opened> => {
  const command = UNPACK[form];
  if (!command) throw new Error(`${form} is not compressed`);
  const facts = form === 'gzip' ? await gzipFacts(blob) : {};
  return wrapping(form, 'compressed', await shop.filter(command, blob), facts);
};

interface QemuInfo {
  readonly 'virtual-size': number;
  readonly 'backing-filename'?: string;
  readonly 'format-specific'?: { readonly data?: Record<string, unknown> };
}

/** Another file that an image asks to be read with it: it would be one of this machine, chosen by whoever made the image. */
const namesOtherFiles = (info: QemuInfo, file: string): boolean => {
  const data = info['format-specific']?.data ?? {};
  const extents = (data.extents ?? []) as readonly { readonly filename?: string }[];
  return (
    info['backing-filename'] !== undefined ||
    data['data-file'] !== undefined ||
    extents.some(({ filename }) => filename !== undefined && filename !== file)
  );
};

/** A disk in a virtual machine's format, as `qemu-img` reads it; only where it is all in one file. */
export const openVirtualDisk = async (form: Form, blob: Blob, shop: Workshop): Promise<Opened> => {
  const { runner, limits } = shop;
  const file = await shop.asFile(blob);
  const format = form === 'vhd' ? 'vpc' : form;
  const options = { stdout: 'capture', timeoutMs: limits.toolMs } as const;
  const { stdout } = await runner.run(['qemu-img', 'info', '--output=json', '-f', format, file], options);
  const info = JSON.parse(stdout) as QemuInfo;
  if (namesOtherFiles(info, file)) throw new NotReadable('it refers to another file, which is not read');
  const raw = await shop.newFile('disk');
  await runner.run(['qemu-img', 'convert', '-f', format, '-O', 'raw', file, raw], options);
  await chargeFile(raw, shop);
  const { extents: _, ...data } = info['format-specific']?.data ?? {};
  const facts = Object.entries(data).filter(([, value]) => typeof value !== 'object');
  return wrapping(
    `${form} disk`,
    'disk',
    await shop.open(raw),
    Object.fromEntries(facts.map(([name, value]) => [name, String(value)])),
  );
};

const FIXED = 2;

/** A VHD of fixed size is the disk with a footer behind it; others are read like every virtual disk. */
export const openVhd = async (blob: Blob, shop: Workshop): Promise<Opened> => {
  const footer = await readBytes(blob, blob.sizeBytes - 512, 512);
  if (footer.length < 512 || footer.toString('latin1', 0, 8) !== 'conectix' || footer.readUInt32BE(60) !== FIXED)
    return openVirtualDisk('vhd', blob, shop);
  const facts = {
    made: new Date((footer.readUInt32BE(24) + 946_684_800) * 1000).toISOString(),
    'made by': footer.toString('latin1', 28, 32),
    'unique ID': footer.toString('hex', 68, 84),
  };
  return wrapping('fixed VHD disk', 'disk', sliceOf(blob, 0, blob.sizeBytes - 512), facts);
};
