import { CheckFailure, requireSuccess } from './failure.ts';
import type { CheckContext } from './types.ts';

type Guest = Pick<CheckContext, 'machine'>;

/** Content of a file in the guest. */
export const readGuestFile = async ({ machine }: Guest, file: string): Promise<string> =>
  requireSuccess(`reading ${file}`, await machine.run(['cat', file]));

/**
 * Variables of a file with shell assignments, such as /etc/os-release.
 *
 * @example parseAssignments('ID=skiff\nNAME="The \\"Skiff\\""') // { ID: 'skiff', NAME: 'The "Skiff"' }
 */
export const parseAssignments = (text: string): Record<string, string> => {
  const lines = text.matchAll(/^\s*([A-Za-z_]\w*)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(.*?))\s*$/gm);
  const pairs = [...lines].map(([, name = '', double, single, bare]) => [
    name,
    double === undefined ? (single ?? bare ?? '') : double.replaceAll(/\\(.)/g, '$1'),
  ]);
  return Object.fromEntries(pairs) as Record<string, string>;
};

/**
 * The value of an argument on the kernel command line; the last one counts, as for the kernel.
 *
 * @example parseKernelArgument('ro usrhash=ab quiet', 'usrhash') // 'ab'
 */
export const parseKernelArgument = (commandLine: string, name: string): string | undefined =>
  commandLine
    .trim()
    .split(/\s+/)
    .findLast((word) => word.startsWith(`${name}=`))
    ?.slice(name.length + 1);

/** What is mounted at a path. */
export interface Mount {
  /** Block device or other source. */
  readonly source: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** The mount that `path` is on. */
export const getMount = async ({ machine }: Guest, path: string): Promise<Mount> => {
  const found = await machine.run([
    'findmnt',
    '--noheadings',
    '--raw',
    '--output',
    'SOURCE,FSTYPE,OPTIONS',
    '--target',
    path,
  ]);
  const [source = '', type = '', options = ''] = requireSuccess(`asking what is mounted at ${path}`, found)
    .trim()
    .split(' ');
  return { source, type, options: options.split(',') };
};

/** A device-mapper verity target as the kernel has it. */
export interface VerityTable {
  readonly dataDevice: string;
  readonly rootHash: string;
}

/**
 * Reads a line of `dmsetup table`.
 *
 * @returns undefined when it is not a verity target
 * @example parseVerityTable('0 8 verity 1 254:2 254:2 4096 4096 1 2 sha256 4f… 00…') // { dataDevice: '254:2', rootHash: '4f…' }
 */
export const parseVerityTable = (table: string): VerityTable | undefined => {
  const words = table.trim().split(/\s+/);
  const [dataDevice, rootHash] = [words[4], words[11]];
  return words[2] === 'verity' && dataDevice && rootHash ? { dataDevice, rootHash } : undefined;
};

/** The verity target under the expected read-only folder, and the device that shows it. */
export const getVerity = async (context: CheckContext): Promise<VerityTable & { readonly source: string }> => {
  const { machine, expected } = context;
  const { source } = await getMount(context, expected.readOnlyPath);
  const answer = await machine.run(['dmsetup', 'table', source]);
  const table = parseVerityTable(answer.exitCode === 0 ? answer.stdout : '');
  if (table) return { ...table, source };
  throw new CheckFailure(`${expected.readOnlyPath} is on ${source}, expected: a dm-verity device`, [
    answer.stdout || answer.stderr,
  ]);
};
