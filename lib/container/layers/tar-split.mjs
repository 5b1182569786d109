/**
 * @typedef {{ segment: Buffer } | { name: string | Buffer, sizeBytes: number }} TarPart bytes of the tar as they are, or the place of a
 *   file's content
 */

/** A line holds a header, or at most what was between two files. */
const MOST_LINE_BYTES = 256 * 1024 * 1024;

/**
 * @param {Buffer} line
 * @returns {TarPart | undefined}
 */
const parseLine = (line) => {
  const entry = JSON.parse(line.toString('utf8'));
  if (entry.type === 2) return { segment: Buffer.from(entry.payload ?? '', 'base64') };
  if (entry.type !== 1) throw new Error(`tar-split entry of unknown type ${entry.type}`);
  // Folders, links, devices and empty files.
  if (entry.size === undefined || entry.size === 0) return undefined;
  if (!Number.isSafeInteger(entry.size) || entry.size < 0) throw new Error(`tar-split entry of size ${entry.size}`);
  // Names that are not UTF-8 are written as bytes.
  const name = entry.name_raw ? Buffer.from(entry.name_raw, 'base64') : entry.name;
  if (typeof name !== 'string' && !Buffer.isBuffer(name)) throw new Error('tar-split entry without a name');
  return { name, sizeBytes: entry.size };
};

/**
 * Parses what docker keeps of a layer's tar besides the contents of its files (https://github.com/vbatts/tar-split): lines of JSON,
 * type 1 for an entry of the tar, type 2 for bytes as they are, in the order of the tar.
 *
 * @param {AsyncIterable<Buffer>} text uncompressed
 * @returns {AsyncGenerator<TarPart, void, undefined>}
 * Throws what `JSON.parse` throws, or an Error that says what is odd.
 */
export async function* readTarSplit(text) {
  /** @type {Buffer[]} */
  let kept = [];
  let keptBytes = 0;
  for await (const piece of text) {
    let at = 0;
    for (let end = piece.indexOf(10); end !== -1; end = piece.indexOf(10, at)) {
      const line = kept.length === 0 ? piece.subarray(at, end) : Buffer.concat([...kept, piece.subarray(at, end)]);
      kept = [];
      keptBytes = 0;
      at = end + 1;
      const part = parseLine(line);
      if (part) yield part;
    }
    if (at === piece.length) continue;
    kept.push(piece.subarray(at));
    keptBytes += piece.length - at;
    if (keptBytes > MOST_LINE_BYTES) throw new Error(`tar-split line of more than ${MOST_LINE_BYTES} bytes`);
  }
  if (kept.length === 0) return;
  const part = parseLine(Buffer.concat(kept));
  if (part) yield part;
}
