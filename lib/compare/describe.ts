import { formatBytes } from '../log/index.ts';
import type { Change, Difference } from './types.ts';

const SIZES_IN_BYTES = 10_000;

const sizeText = (bytes: number): string => (bytes < SIZES_IN_BYTES ? `${bytes} bytes` : formatBytes(bytes));

/** For example `4.0 KiB → 4.1 KiB`; small ones to the byte. */
export const describeSizes = ({ sizes }: Difference): string | undefined => {
  const { before, after } = sizes ?? {};
  if (before === undefined && after === undefined) return undefined;
  if (before === undefined || after === undefined) return sizeText(before ?? after ?? 0);
  if (before === after) return undefined;
  const [left, right] = [sizeText(before), sizeText(after)];
  // Where rounding hides the difference.
  return left === right ? `${before} → ${after} bytes` : `${left} → ${right}`;
};

/** For example `mode 0644 → 0755`. */
export const describeChange = ({ what, before, after }: Change): string => {
  if (before === undefined) return `${what} ${after}`;
  if (after === undefined) return `${what} ${before}`;
  return `${what} ${before} → ${after}`;
};

/** What is different about one node itself, in short texts. */
export const describeNode = (node: Difference): string[] => {
  const isWhole = node.state === 'added' || node.state === 'removed';
  const changes = isWhole ? node.changes.filter(({ what }) => what === 'link target') : node.changes;
  const texts = [describeSizes(node), ...changes.map(describeChange), node.note];
  return texts.filter((text) => text !== undefined);
};

/** One line of a flat list of differences. */
export interface FlatDifference {
  readonly path: readonly string[];
  readonly kind: Difference['kind'];
  readonly state: Difference['state'];
  readonly what: readonly string[];
  readonly details: readonly string[];
}

/** The nodes at which something is different, without those that only have such nodes below them. */
export const flatten = (node: Difference): FlatDifference[] => {
  const { path, kind, state, children, changes, excerpt = [] } = node;
  const isOwn = children.length === 0 || changes.length > 0 || state !== 'differs';
  const own = isOwn ? [{ path, kind, state, what: describeNode(node), details: excerpt }] : [];
  return [...own, ...children.flatMap(flatten)];
};
