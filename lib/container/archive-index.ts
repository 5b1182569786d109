import { Transform } from 'node:stream';
import { paddedBytes, parsePax, sizeField, TAR_BLOCK_BYTES, textField } from '../tar/index.ts';

/** What an image archive says of itself. */
export interface ArchiveIndex {
  /** Every ID that an engine may give its images, 64 hex digits: digests of configurations and of manifests. */
  readonly ids: ReadonlySet<string>;
  /** Names under which it is loaded, `NAME:VERSION`. */
  readonly names: ReadonlySet<string>;
}

/** They are a few kilobytes; what claims to be more is none of them. */
const MOST_TEXT_BYTES = 1024 * 1024;
const TEXTS = new Set(['manifest.json', 'index.json']);
/** What engines find the images of an archive by; in what engines save they come last. */
const INDEXES = new Set([...TEXTS, 'repositories']);

const hexOf = (text: unknown): string[] => /[0-9a-f]{64}/.exec(String(text ?? ''))?.slice(0, 1) ?? [];

const readIndex = (texts: ReadonlyMap<string, string>): ArchiveIndex => {
  const parse = (name: string): unknown => {
    try {
      return JSON.parse(texts.get(name) ?? 'null');
    } catch {
      return null;
    }
  };
  const images = [parse('manifest.json')].flat() as ({ Config?: unknown; RepoTags?: unknown } | null)[];
  const { manifests = [] } = (parse('index.json') ?? {}) as { manifests?: { digest?: unknown }[] };
  return {
    ids: new Set([
      ...images.flatMap((image) => hexOf(image?.Config)),
      ...[manifests].flat().flatMap((one) => hexOf(one?.digest)),
    ]),
    names: new Set(images.flatMap((image) => [image?.RepoTags ?? []].flat().map(String))),
  };
};

/** An image archive on its way. */
export interface WatchedArchive {
  readonly stream: Transform;
  /** What the texts say that have passed. */
  readonly index: () => ArchiveIndex;
  /** Bytes before the first of the files that tell an engine which images there are; undefined: none has passed. */
  readonly indexStart: () => number | undefined;
}

/**
 * Passes an image archive (the tar that `docker save` makes, also as an OCI layout) on as it is, and reads its index on the way.
 * What is no such archive has an empty index: whoever loads it will say so.
 */
export const watchArchive = (): WatchedArchive => {
  const texts = new Map<string, string>();
  /** The header, or one of the texts, as far as it has come. */
  let kept = Buffer.alloc(0);
  let wanted = TAR_BLOCK_BYTES;
  let name: string | undefined;
  /** Bytes to pass over before the next header. */
  let skip = 0;
  /** From a header that says more of the next file (pax(1)); sizes beyond 8 GiB are there. */
  let paxSize: number | undefined;
  /** Of all that was looked at. */
  let position = 0;
  let indexStart: number | undefined;

  const takeHeader = (header: Buffer): void => {
    const type = textField(header, 156, 1);
    const size = paxSize ?? (sizeField(header) || 0);
    const padded = paddedBytes(size);
    const isPax = type === 'x';
    paxSize = undefined;
    const fileName = isPax ? 'pax' : textField(header, 0, 100).replace(/^\.\//, '');
    if (INDEXES.has(fileName)) indexStart ??= position - TAR_BLOCK_BYTES;
    if (size > 0 && size <= MOST_TEXT_BYTES && (isPax || TEXTS.has(fileName))) {
      name = fileName;
      wanted = size;
      skip = padded - size;
    } else skip = padded;
  };

  const takeText = (text: Buffer): void => {
    if (name === 'pax') paxSize = Number(parsePax(text).get('size')) || undefined;
    else texts.set(name ?? '', text.toString('utf8'));
    name = undefined;
    wanted = TAR_BLOCK_BYTES;
  };

  const take = (chunk: Buffer): void => {
    for (let at = 0; at < chunk.length; ) {
      // The rest of a text's last block comes after the text.
      if (skip > 0 && name === undefined) {
        const passed = Math.min(skip, chunk.length - at);
        skip -= passed;
        at += passed;
        position += passed;
        continue;
      }
      const part = chunk.subarray(at, at + wanted - kept.length);
      kept = Buffer.concat([kept, part]);
      at += part.length;
      position += part.length;
      if (kept.length < wanted) return;
      const whole = kept;
      kept = Buffer.alloc(0);
      if (name === undefined) takeHeader(whole);
      else takeText(whole);
    }
  };

  const stream = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      take(chunk);
      next(null, chunk);
    },
  });
  return { stream, index: () => readIndex(texts), indexStart: () => indexStart };
};
