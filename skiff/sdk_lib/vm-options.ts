import { parseArgs } from 'node:util';
import { misuse } from './fault.ts';

/** Compressions that `--image_compression_formats` knows; `none` keeps the file as it is. */
export const compressionNames = ['none', 'zst', 'gz', 'bz2', 'zip'] as const;
export type CompressionName = (typeof compressionNames)[number];

/** What one call of image_to_vm.sh was asked to do. */
export interface VmOptions {
  readonly help: boolean;
  /** Row of vms/formats.yaml; empty when not given. */
  readonly format: string;
  /** Board name, for example `amd64-usr`. */
  readonly board: string;
  /** Folder with skiff_production_image.bin, skiff_production_image.vmlinuz and version.txt. */
  readonly from: string;
  /** Folder that receives the results; made if it is missing. */
  readonly to: string;
  readonly compressions: readonly CompressionName[];
  /** Drop the uncompressed file unless `none` is in the list. */
  readonly onlyStoreCompressed: boolean;
}

const flags = {
  help: { type: 'boolean', short: 'h', default: false },
  format: { type: 'string', default: '' },
  board: { type: 'string', default: 'amd64-usr' },
  from: { type: 'string', default: '' },
  to: { type: 'string', default: '' },
  image_compression_formats: { type: 'string', default: 'none' },
  only_store_compressed: { type: 'boolean', default: false },
  noonly_store_compressed: { type: 'boolean', default: false },
} as const;

/** Parse the command line (without interpreter and script). Throws a Fault (exit 2) for what is not understood. */
export function parseOptions(args: readonly string[]): VmOptions {
  const values = parseFlags(args);
  return {
    help: values.help,
    format: values.format,
    board: values.board,
    from: values.from,
    to: values.to === '' ? values.from : values.to,
    compressions: parseCompressions(values.image_compression_formats),
    onlyStoreCompressed: values.only_store_compressed && !values.noonly_store_compressed,
  };
}

/** Parse a list such as `gz,bz2,none`; an empty list means `none`. Throws a Fault (exit 2) for an unknown member. */
export function parseCompressions(list: string): CompressionName[] {
  const names = list.split(',').map((name) => name.trim());
  const wanted = names.filter((name) => name !== '');
  for (const name of wanted) {
    if (!isCompression(name)) {
      const known = compressionNames.join(', ');
      throw misuse(`unknown compression "${name}" in --image_compression_formats; known: ${known}`);
    }
  }
  return wanted.length === 0 ? ['none'] : [...new Set(wanted.filter(isCompression))];
}

function isCompression(name: string): name is CompressionName {
  return compressionNames.some((known) => known === name);
}

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw misuse(error instanceof Error ? error.message : String(error), 'see --help');
  }
}
