import { flatten, printable, renderHtml, renderText } from '../../lib/compare/index.ts';
import { facts, type Html, html, renderPage, table } from '../../lib/html/index.ts';
import { formatBytes } from '../../lib/log/index.ts';
import type { BuildDiff } from './compare-builds.ts';
import type { PackageChange } from './packages.ts';
import type { SizeChange } from './sizes.ts';

/** Lines of sizes and options that people get; JSON and the page have all. */
const MOST_ROWS = 20;

/** Differences inside of images that Markdown gets. */
const MOST_FILES = 50;

const signed = (bytes: number): string => `${bytes < 0 ? '-' : '+'}${formatBytes(Math.abs(bytes))}`;

const sizeText = ({ before, after }: { before: number; after: number }): string =>
  `${formatBytes(before)} → ${formatBytes(after)} (${signed(after - before)})`;

const kindsOf = (changes: readonly PackageChange[]) => ({
  added: changes.filter(({ before }) => before === undefined),
  removed: changes.filter(({ after }) => after === undefined),
  changed: changes.filter(({ before, after }) => before !== undefined && after !== undefined),
});

/** A code span of Markdown, whatever is in it. */
const code = (text: string): string => {
  const plain = printable(text);
  const fence = '`'.repeat(1 + Math.max(0, ...[...plain.matchAll(/`+/g)].map(([ticks]) => ticks.length)));
  return fence === '`' ? `\`${plain}\`` : `${fence} ${plain} ${fence}`;
};

/** What somebody else wrote, as a text of Markdown and nothing more. */
const plainText = (text: string): string => printable(text).replaceAll(/[\\`*_{}[\]<>#|!&~]/g, '\\$&');

const cut = <T>(
  items: readonly T[],
  most: number,
  line: (item: T) => string,
  more: (count: number) => string,
): string[] => [...items.slice(0, most).map(line), ...(items.length > most ? [more(items.length - most)] : [])];

const sizeLine = (sign: string) => (change: SizeChange) => `${sign} ${code(change.name)} ${sizeText(change)}`;

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length > 0 ? [`## ${title}`, '', ...lines, ''] : [];

const packageMarkdown = ({ name, before, after }: PackageChange): string => {
  if (before === undefined) return `- ${code(name)} ${code(after ?? '')}`;
  if (after === undefined) return `- ${code(name)} (was ${code(before)})`;
  return `- ${code(name)} ${code(before)} → ${code(after)}`;
};

const packageSections = (changes: readonly PackageChange[] | undefined): string[] => {
  if (changes === undefined) return section('Packages', ['One of the builds has no published list of packages.']);
  const { added, removed, changed } = kindsOf(changes);
  if (changes.length === 0) return section('Packages', ['No package was added, removed or changed.']);
  return [
    ...section('Changed packages', changed.map(packageMarkdown)),
    ...section('Added packages', added.map(packageMarkdown)),
    ...section('Removed packages', removed.map(packageMarkdown)),
  ];
};

const logLines = ({ log }: BuildDiff): string[] => {
  if (!log) return [];
  if (log.why !== undefined) return [`Not known: ${log.why}.`];
  if (log.commits.length === 0) return ['No commits in between.'];
  return log.commits.map(({ commit, subject }) => `- ${code(commit.slice(0, 12))} ${plainText(subject)}`);
};

const optionText = (value: string | undefined): string => code(value ?? 'not there');

const imageLines = ({ images = [] }: BuildDiff): string[] =>
  images.flatMap(({ name, difference }) => {
    if (!difference) return [`${code(name)} is the same on both sides.`];
    const flat = flatten(difference).filter(({ path }) => path.length > 1);
    const line = ({ path, what, state }: (typeof flat)[number]): string =>
      `- ${code(path.slice(1).join(' › '))}: ${state === 'differs' ? '' : `${state}; `}${what.map(plainText).join('; ') || 'differs'}`;
    return [`${code(name)}:`, '', ...cut(flat, MOST_FILES, line, (count) => `- and ${count} more`)];
  });

/** What a release manager pastes into the notes. */
export const diffMarkdown = (diff: BuildDiff): string => {
  const { size, kernelConfig } = diff;
  const sizes = size
    ? [
        `All files: ${sizeText(size.total)}`,
        '',
        ...cut(size.byPackage ?? [], MOST_ROWS, sizeLine('-'), (count) => `- and ${count} more packages`),
        ...(size.byFolder.length > 0 ? ['', 'By folder:', ''] : []),
        ...cut(size.byFolder, MOST_ROWS, sizeLine('-'), (count) => `- and ${count} more folders`),
      ]
    : [];
  const options = (kernelConfig ?? []).map(
    ({ what, before, after }) => `- ${code(what)}: ${optionText(before)} → ${optionText(after)}`,
  );
  const { added, removed } = diff.artifacts;
  return [
    `# ${code(diff.before)} → ${code(diff.after)}`,
    '',
    ...packageSections(diff.packages),
    ...section('Size', sizes),
    ...section('Kernel configuration', options),
    ...section('Commits', logLines(diff)),
    ...section('Published files', [
      ...added.map((name) => `- added ${code(name)}`),
      ...removed.map((name) => `- removed ${code(name)}`),
    ]),
    ...section('Images', imageLines(diff)),
  ].join('\n');
};

const textSection = (title: string, lines: readonly string[]): string[] =>
  lines.length > 0 ? [title, ...lines.map((line) => `  ${line}`), ''] : [];

const packageText = ({ name, before, after }: PackageChange): string =>
  printable(
    before === undefined
      ? `+ ${name} ${after}`
      : after === undefined
        ? `- ${name} ${before}`
        : `~ ${name} ${before} → ${after}`,
  );

/** For a terminal. */
export const diffText = (diff: BuildDiff): string => {
  const { packages, size, kernelConfig = [], log, images = [] } = diff;
  const sizeRow = (change: SizeChange): string => `${printable(change.name)}: ${sizeText(change)}`;
  const more = (count: number): string => `... and ${count} more`;
  const commits =
    log?.why === undefined
      ? (log?.commits ?? []).map(({ commit, subject }) => `${commit.slice(0, 12)} ${printable(subject)}`)
      : [`not known: ${log.why}`];
  return [
    `${diff.before} → ${diff.after}`,
    '',
    ...textSection('Packages', packages?.map(packageText) ?? ['one of the builds has no published list']),
    ...textSection('Size', size ? [`all files: ${sizeText(size.total)}`] : []),
    ...textSection('Size by package', cut(size?.byPackage ?? [], MOST_ROWS, sizeRow, more)),
    ...textSection('Size by folder', cut(size?.byFolder ?? [], MOST_ROWS, sizeRow, more)),
    ...textSection(
      'Kernel configuration',
      kernelConfig.map(({ what, before = 'not there', after = 'not there' }) => `${what}: ${before} → ${after}`),
    ),
    ...textSection('Commits', commits),
    ...textSection(
      'Images',
      images.flatMap(({ name, difference }) => (difference ? renderText(difference) : [`${name}: the same`])),
    ),
  ].join('\n');
};

const sizeTable = (caption: string, changes: readonly SizeChange[]): Html | undefined =>
  changes.length === 0
    ? undefined
    : table({
        caption,
        columns: [
          { title: 'Name' },
          { title: 'Before', isNumber: true },
          { title: 'After', isNumber: true },
          { title: 'Difference', isNumber: true },
        ],
        rows: changes.map(({ name, before, after }) => [
          printable(name),
          formatBytes(before),
          formatBytes(after),
          signed(after - before),
        ]),
      });

const pageSection = (id: string, title: string, body: Html | undefined) => ({ id, title, body });

/** All of it as one page. */
export const diffPage = (diff: BuildDiff, slipwayVersion: string): string => {
  const { packages = [], size, kernelConfig = [], log, images = [] } = diff;
  const rows = (changes: readonly PackageChange[]) =>
    changes.map(({ name, before = '', after = '' }) => [printable(name), printable(before), printable(after)]);
  const sections = [
    pageSection(
      'packages',
      'Packages',
      packages.length === 0
        ? undefined
        : table({
            caption: 'Packages that are not the same',
            columns: [{ title: 'Package' }, { title: 'Before' }, { title: 'After' }],
            rows: rows(packages),
          }),
    ),
    pageSection(
      'size',
      'Size',
      size &&
        html`${facts([['All files', sizeText(size.total)]])}${sizeTable('By package', size.byPackage ?? [])}${sizeTable('By folder', size.byFolder)}`,
    ),
    pageSection(
      'kernel',
      'Kernel configuration',
      kernelConfig.length === 0
        ? undefined
        : table({
            caption: 'Options that are not the same',
            columns: [{ title: 'Option' }, { title: 'Before' }, { title: 'After' }],
            rows: kernelConfig.map(({ what, before = 'not there', after = 'not there' }) => [what, before, after]),
          }),
    ),
    pageSection(
      'commits',
      'Commits',
      log &&
        (log.why === undefined
          ? html`<ul>${log.commits.map(({ commit, subject, author }) => html`<li><code>${commit.slice(0, 12)}</code> ${printable(subject)} <span class="quiet">${printable(author)}</span></li>`)}</ul>`
          : html`<p>Not known: ${log.why}.</p>`),
    ),
    pageSection(
      'images',
      'Images',
      images.length === 0
        ? undefined
        : html`${images.map(({ name, difference }) => (difference ? renderHtml(difference) : html`<p><code>${name}</code> is the same on both sides.</p>`))}`,
    ),
  ].filter(({ body }) => body !== undefined);
  return renderPage({
    title: `${diff.before} → ${diff.after}`,
    lead: html`<p>What is different between two published builds.</p>`,
    sections,
    body: sections.map(({ id, title, body }) => html`<section><h2 id="${id}">${title}</h2>${body}</section>`),
    footer: html`<p>slipway ${slipwayVersion}, diff</p>`,
  });
};
