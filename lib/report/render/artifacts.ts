import { type Content, fold, type Html, html, link, table } from '../../html/index.ts';
import { formatBytes } from '../../log/index.ts';
import type { ArtifactModel, RunModel, StepModel } from '../model/types.ts';
import { callText } from './words.ts';

/** Makes a path in the cache a link; only a text where nobody said where the cache is. */
export type ToCache = (path: string) => Content;

/** @param cacheUrl where the cache is read, without a slash at the end */
export const linkToCache =
  (cacheUrl: string | undefined): ToCache =>
  (path) => {
    const text = html`<code>${path}</code>`;
    return cacheUrl === undefined
      ? text
      : link(`${cacheUrl}/${path.toWellFormed().split('/').map(encodeURIComponent).join('/')}`, text);
  };

const artifactTable = (caption: string, artifacts: readonly ArtifactModel[], toCache: ToCache): Html =>
  table({
    caption,
    columns: [{ title: 'Path in the cache' }, { title: 'Size', isNumber: true }, { title: 'SHA-256' }],
    rows: artifacts.map(({ path, sizeBytes, sha256 }) => [
      toCache(path),
      formatBytes(sizeBytes),
      html`<code class="digest">${sha256}</code>`,
    ]),
  });

const stepArtifacts = (step: StepModel, toCache: ToCache): Html | undefined => {
  const { result } = step;
  if (!result || (result.inputs.length === 0 && result.outputs.length === 0)) return undefined;
  return html`<h3>${callText(step)}</h3>
${result.statement !== undefined && html`<p>Where they are from is in the statement ${toCache(result.statement)}.</p>`}
${result.outputs.length > 0 && artifactTable(`Published by ${callText(step)}`, result.outputs, toCache)}
${result.inputs.length > 0 && fold({ summary: `Read by ${callText(step)} (${result.inputs.length})`, body: artifactTable(`Read by ${callText(step)}, verified`, result.inputs, toCache) })}`;
};

/** What was published and read, with digests; where it is from. */
export const artifactsSection = ({ steps }: RunModel, toCache: ToCache): Html => {
  const parts = steps.map((step) => stepArtifacts(step, toCache)).filter((part) => part !== undefined);
  const without = steps.filter(({ result }) => result === undefined);
  return html`<section aria-labelledby="artifacts"><h2 id="artifacts">Artifacts</h2>
${parts.length > 0 ? parts : html`<p>No step of this run published or read any.</p>`}
${without.length > 0 && html`<p class="quiet">Without a result file beside the events: ${without.map(callText).join(', ')}.</p>`}</section>`;
};
