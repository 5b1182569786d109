import { formatBytes } from '../log/index.ts';
import type { ExportReport } from './export/export-image.ts';
import type { GcReport } from './gc.ts';
import type { ImportReport } from './import-image.ts';
import type { MirrorReport } from './mirror.ts';
import type { RepairReport } from './repair.ts';
import type { ListedVersion, Usage } from './usage.ts';
import type { VerifyReport } from './verify.ts';

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
};

const lines = (title: string, paths: readonly string[]): string => paths.map((path) => `${title} ${path}\n`).join('');

/** `cache ls` for people. */
export const renderVersions = (versions: readonly ListedVersion[]): string =>
  table([
    ['VERSION', 'CHANGED', 'FILES', 'SIZE', 'IN', 'IMAGES'],
    ...versions.map((one) => [
      one.version,
      one.newest.slice(0, 10),
      `${one.files}`,
      formatBytes(one.sizeBytes),
      one.kinds.join(','),
      one.images.join(' '),
    ]),
  ]);

/** `cache du` for people. */
export const renderUsage = ({ versions, total, faults }: Usage): string =>
  [
    table([
      ['VERSION', 'FLAT', 'LAYERS', 'ALONE', 'UNIQUE', 'SHARED'],
      ...versions.map((one) => [
        one.version,
        ...[one.flatBytes, one.layerBytes, one.aloneBytes, one.uniqueBytes, one.sharedBytes].map(formatBytes),
      ]),
      ['total', formatBytes(total.flatBytes), formatBytes(total.layerBytes), formatBytes(total.aloneBytes)],
    ]),
    `deduplicated store: ${formatBytes(total.storedBytes)}, of these ${formatBytes(total.unneededBytes)} that no image needs; `,
    `trash ${formatBytes(total.trashBytes)}; dedup ratio ${total.ratio}\n`,
    lines('not counted:', faults),
  ].join('');

/** `cache verify` for people. */
export const renderVerify = ({ problems, unproven, files, bytes, resumed, layers }: VerifyReport): string =>
  [
    ...problems.map(({ path, problem, affects }) => {
      const hit = affects.length > 0 ? ` (affects ${affects.join(', ')})` : '';
      return `${path}: ${problem}${hit}\n`;
    }),
    unproven.length > 0
      ? `${unproven.length} files were published without digests, so that nothing can be said of them\n`
      : '',
    `${problems.length} problems; ${files} files with ${formatBytes(bytes)} read`,
    resumed > 0 ? `, ${resumed} files read by an interrupted run` : '',
    layers > 0 ? `, ${layers} layers rebuilt` : '',
    '\n',
  ].join('');

/** `cache gc` for people. */
export const renderGc = (report: GcReport): string => {
  const would = report.dryRun ? 'would ' : '';
  return [
    ...report.versions.map(({ version, remove, why }) => `${remove ? 'delete' : 'keep'} ${version}: ${why}\n`),
    lines(`${would}delete`, [...report.removedFolders, ...report.removedPointers]),
    lines(`${would}shorten`, report.heads),
    lines(`${would}move to the trash`, report.trashed),
    lines(`${would}take back`, report.restored),
    lines(`${would}delete`, report.deleted),
    `${formatBytes(report.trashedBytes)} to the trash, ${formatBytes(report.deletedBytes)} deleted from it\n`,
  ].join('');
};

/** `cache repair` for people. */
export const renderRepair = (report: RepairReport): string => {
  const would = report.dryRun ? 'would ' : '';
  return (
    [
      lines(`${would}rebuild`, [...report.indexes, ...report.heads]),
      lines(`${would}delete`, report.removedPointers),
      lines(`${would}write`, report.writtenPointers),
      lines(`${would}take back`, report.restored),
      ...report.lost.map(
        ({ path, problem, affects }) =>
          `${path}: ${problem}; delete and publish again: ${affects.join(', ') || 'nothing'}\n`,
      ),
    ].join('') || 'nothing to repair\n'
  );
};

/** `cache mirror` for people. */
export const renderMirror = ({ dryRun, copied, copiedBytes, deleted, skipped, problems }: MirrorReport): string => {
  const would = dryRun ? 'would ' : '';
  return [
    lines(`${would}copy`, copied),
    lines(`${would}delete`, deleted),
    lines('cannot copy the link', skipped),
    ...problems.map(({ path, problem }) => `${path}: ${problem}; not copied\n`),
    `${copied.length} files, ${formatBytes(copiedBytes)}\n`,
  ].join('');
};

/** `cache export` for people. */
export const renderExport = ({ dryRun, image, format, target, from, layers, bytes }: ExportReport): string => {
  const what = from === 'flat' ? `the archive of ${image}` : `${image} (${layers} layers) as ${format}`;
  return `${dryRun ? 'would write' : 'wrote'} ${what} to ${target}, ${formatBytes(bytes)}${from === 'flat' ? '' : ' of layers'}\n`;
};

/** `cache import` for people. */
export const renderImport = ({ dryRun, image, imageId, layers, newLayers, sentBytes }: ImportReport): string =>
  [
    `${dryRun ? 'would publish' : 'published'} ${image} with the ID ${imageId}: ${layers} layers, `,
    `${newLayers.length} of them new${dryRun ? '' : `, ${formatBytes(sentBytes)} sent`}\n`,
  ].join('');
