import { fold, type Html, html, table } from '../../html/index.ts';
import { formatBytes, formatDuration } from '../../log/index.ts';
import type { RunModel, StepModel } from '../model/types.ts';
import { bytesOrNothing, callText } from './words.ts';

/** Every item of a list of each step, with its step. */
const ofAll = <Item>({ steps }: RunModel, list: (step: StepModel) => readonly Item[]) =>
  steps.flatMap((step) => list(step).map((item) => ({ step, item })));

const MOST_ROWS = 500;

const rowsOf = <Item>(items: readonly Item[], cells: (item: Item) => readonly (string | Html)[]) =>
  items.slice(0, MOST_ROWS).map(cells);

const more = (items: readonly unknown[]): Html | false =>
  items.length > MOST_ROWS && html`<p>${items.length - MOST_ROWS} more are not shown.</p>`;

const missesTable = (run: RunModel): Html => {
  const misses = ofAll(run, ({ misses: all }) => all);
  if (misses.length === 0) return html`<p>Nothing that was asked for was missing.</p>`;
  return html`${table({
    caption: 'What was not in the cache, and why',
    columns: [{ title: 'What' }, { title: 'Kind' }, { title: 'Why' }, { title: 'Step' }],
    rows: rowsOf(misses, ({ step, item }) => [html`<code>${item.path}</code>`, item.what, item.reason, callText(step)]),
  })}${more(misses)}`;
};

const hitsTable = (run: RunModel): Html | undefined => {
  const hits = ofAll(run, ({ hits: all }) => all);
  if (hits.length === 0) return undefined;
  return fold({
    summary: `What was there already (${hits.length})`,
    body: html`${table({
      caption: 'What was there already and needed not be fetched or built',
      columns: [{ title: 'What' }, { title: 'Kind' }, { title: 'Size', isNumber: true }, { title: 'Step' }],
      rows: rowsOf(hits, ({ step, item }) => [
        html`<code>${item.path}</code>`,
        item.what,
        item.sizeBytes === undefined ? '–' : formatBytes(item.sizeBytes),
        callText(step),
      ]),
    })}${more(hits)}`,
  });
};

/** Figures of the deduplicated store, named as there; those that end in bytes are sizes. */
const causesText = (causes: Readonly<Record<string, number>> = {}): string =>
  Object.entries(causes)
    .filter(([, figure]) => figure !== 0)
    .map(
      ([name, figure]) =>
        `${name.replace(/([A-Z])/g, ' $1').toLowerCase()}: ${/bytes$/i.test(name) ? formatBytes(figure) : figure}`,
    )
    .join(', ');

const transfersTable = (run: RunModel): Html | undefined => {
  const transfers = ofAll(run, ({ transfers: all }) => all);
  if (transfers.length === 0) return undefined;
  return html`${table({
    caption: 'What went to the cache and came from it',
    columns: [
      { title: 'What' },
      { title: 'Way' },
      { title: 'Moved', isNumber: true },
      { title: 'Not moved', isNumber: true },
      { title: 'Time', isNumber: true },
      { title: 'Made up of' },
      { title: 'Step' },
    ],
    rows: rowsOf(transfers, ({ step, item }) => [
      html`<code>${item.what}</code>`,
      item.direction === 'up' ? 'to the cache' : 'from the cache',
      formatBytes(item.movedBytes),
      bytesOrNothing(item.reusedBytes),
      formatDuration(item.durationMs),
      causesText(item.causes),
      callText(step),
    ]),
  })}${more(transfers)}`;
};

/** Cache hits, why misses missed, and what was moved. */
export const cacheSection = (run: RunModel): Html =>
  html`<section aria-labelledby="cache"><h2 id="cache">Cache</h2>${missesTable(run)}${hitsTable(run)}${transfersTable(run)}</section>`;

const retriesTable = (run: RunModel): Html | undefined => {
  const retries = ofAll(run, ({ retries: all }) => all);
  if (retries.length === 0) return undefined;
  return html`${table({
    caption: 'What was tried again',
    columns: [
      { title: 'What' },
      { title: 'Try' },
      { title: 'Why' },
      { title: 'Wait', isNumber: true },
      { title: 'Step' },
    ],
    rows: rowsOf(retries, ({ step, item }) => [
      item.what,
      `${item.attempt} of ${item.tries}`,
      item.reason,
      formatDuration(item.delayMs),
      callText(step),
    ]),
  })}${more(retries)}`;
};

const warningsTable = (run: RunModel): Html | undefined => {
  const warnings = ofAll(run, ({ notes }) => notes.filter(({ tone }) => tone === 'warning'));
  if (warnings.length === 0) return undefined;
  return html`${table({
    caption: 'Warnings',
    columns: [{ title: 'Warning' }, { title: 'Step' }],
    rows: rowsOf(warnings, ({ step, item }) => [item.text, callText(step)]),
  })}${more(warnings)}`;
};

/** Retries and warnings; nothing when there were none. */
export const troubleSection = (run: RunModel): Html | undefined => {
  const parts = [retriesTable(run), warningsTable(run)].filter((part) => part !== undefined);
  return parts.length === 0
    ? undefined
    : html`<section aria-labelledby="trouble"><h2 id="trouble">Warnings and retries</h2>${parts}</section>`;
};
