/**
 * A second reader of the deduplicated store, written from docs/cache-format.md alone: it shares no code with the first one, checks nothing but
 * digests, and holds everything in memory. If it and the page disagree, the page is wrong.
 */
import { hash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';

/** Reads a file below the cache's prefix. */
type ReadFile = (path: string) => Buffer;

class Cursor {
  readonly data: Buffer;
  at: number;

  constructor(data: Buffer, at = 0) {
    this.data = data;
    this.at = at;
  }

  take(count: number): Buffer {
    this.at += count;
    if (this.at > this.data.length) throw new Error('too short');
    return this.data.subarray(this.at - count, this.at);
  }

  u32 = (): number => this.take(4).readUInt32LE();
  u64 = (): number => Number(this.take(8).readBigUInt64LE());
  id = (): string => this.take(32).toString('hex');

  varint(): number {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = BigInt(this.take(1).readUInt8());
      value |= (byte & 127n) << shift;
      if (byte < 128n) return Number(value);
    }
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

const expectDigest = (bytes: Buffer | string, id: string): void => {
  if (hash('sha256', bytes, 'hex') !== id) throw new Error(`not ${id}`);
};

const readRecipe = (readFile: ReadFile, [id, ...bases]: readonly string[]): Buffer => {
  const stored = readFile(`dedup/v1/recipes/${id}.recipe`);
  expectDigest(stored, id as string);
  const hasBase = stored[8] === 1;
  const dictionary = hasBase ? readRecipe(readFile, bases) : undefined;
  const raw = zstdDecompressSync(stored.subarray(81), dictionary && { dictionary });
  expectDigest(raw, stored.toString('hex', 41, 73));
  return raw;
};

interface Place {
  readonly pack: string;
  readonly offset: number;
}

const readBlock = (readFile: ReadFile, places: ReadonlyMap<string, Place>, wanted: string): Buffer[] => {
  const { pack, offset } = places.get(wanted) as Place;
  const record = new Cursor(readFile(`dedup/v1/packs/${pack}.pack`), offset + 4);
  const [frameBytes, , chunkCount, baseCount] = [record.u32(), record.u32(), record.u32(), record.u32()];
  const id = record.id();
  const bases = Array.from({ length: baseCount }, () => Buffer.concat(readBlock(readFile, places, record.id())));
  const lengths = Array.from({ length: chunkCount }, () => record.u32());
  const raw = zstdDecompressSync(record.take(frameBytes), baseCount > 0 ? { dictionary: Buffer.concat(bases) } : {});
  expectDigest(raw, wanted);
  expectDigest(raw, id);
  const chunks = new Cursor(raw);
  return lengths.map((length) => chunks.take(length));
};

const octal = (text: string): number => Number.parseInt(text, 8);

const sizeIn = (header: Buffer): number => {
  if (header[124] === 0x80) return Number(header.readBigUInt64BE(128));
  return octal(/^ *([0-7]*)/.exec(header.toString('latin1', 124, 136))?.[1] || '0');
};

const inflateZeros = (column: Buffer): Buffer => {
  const cursor = new Cursor(column);
  const parts: Buffer[] = [];
  while (cursor.at < column.length) {
    parts.push(Buffer.alloc(cursor.varint()));
    parts.push(cursor.take(cursor.varint()));
  }
  return Buffer.concat(parts);
};

const rebuildTar = (shape: Buffer, sizeBytes: number, content: Cursor): Buffer => {
  const cursor = new Cursor(shape);
  const [tarBytes, mBytes, tBytes] = [cursor.varint(), cursor.varint(), cursor.varint()];
  const m = new Cursor(inflateZeros(cursor.take(mBytes)));
  const t = new Cursor(cursor.take(tBytes));
  const c = new Cursor(cursor.take(shape.length - cursor.at));
  const nextUnusual = (): number => (c.at < c.data.length ? c.varint() : Infinity);
  let usual = nextUnusual();
  let mtime = 0;
  const out: Buffer[] = [];
  let written = 0;
  const write = (bytes: Buffer): Buffer => {
    out.push(bytes);
    written += bytes.length;
    return bytes;
  };

  const fillHeader = (header: Buffer): void => {
    const code = t.varint();
    if (code === 0) t.take(12).copy(header, 136);
    else {
      mtime += code % 2 === 0 ? -code / 2 : (code - 1) / 2;
      header.write(`${mtime.toString(8).padStart(11, '0')}\0`, 136, 'latin1');
    }
    if (usual > 0) {
      usual -= 1;
      const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
      header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    } else {
      c.take(8).copy(header, 148);
      usual = nextUnusual();
    }
  };

  let paxSize: number | undefined;
  while (written < tarBytes) {
    const block = write(Buffer.from(m.take(512)));
    if (block.every((byte) => byte === 0)) continue;
    fillHeader(block);
    const type = String.fromCharCode(block[156] as number);
    let size = sizeIn(block);
    if (written === tarBytes) break;
    if ('xgLK'.includes(type) && size <= 1_048_576) {
      const record = write(m.take(size)).toString('latin1');
      const sizes = record.matchAll(/(?<=^|\n)(?<length>\d+) size=(?<size>\d{1,15})\n/g);
      const found = [...sizes].filter(([whole, length]) => Number(length) === whole.length).at(-1);
      if (type === 'x' && found) paxSize = Number(found.groups?.size);
    } else {
      if (!'xgLK'.includes(type)) {
        size = '123456'.includes(type) ? 0 : (paxSize ?? size);
        paxSize = undefined;
      }
      let isExtended = type === 'S' && block[482] !== 0;
      while (isExtended && written < tarBytes) isExtended = write(m.take(512))[504] !== 0;
      write(content.take(Math.min(size, tarBytes - written)));
    }
    if (written < tarBytes) write(m.take((512 - (size % 512)) % 512));
  }
  return Buffer.concat([...out, content.take(sizeBytes - tarBytes)]);
};

/** Rebuilds a layer from its recipe and those that this builds on, as a manifest lists them. */
export const readLayerOtherwise = (readFile: ReadFile, recipes: readonly string[]): Buffer => {
  const recipe = new Cursor(readRecipe(readFile, recipes), 8);
  const [diffId, sizeBytes, kind] = [recipe.id(), recipe.u64(), recipe.take(1)[0]];
  const packs = Array.from({ length: recipe.varint() }, () => recipe.id());
  const blocks = Array.from({ length: recipe.varint() }, () => {
    const [id, pack, offset] = [recipe.id(), packs[recipe.varint()] as string, recipe.varint()];
    recipe.varint();
    recipe.varint();
    return { id, pack, offset };
  });
  const places = new Map(blocks.map(({ id, ...place }) => [id, place]));
  const parts: Buffer[] = [];
  let [block, next] = [0, 0];
  for (let left = recipe.varint(); left > 0; left -= 1) {
    const step = recipe.signed();
    block += step;
    const first = recipe.signed() + (step === 0 ? next : 0);
    next = first + recipe.varint();
    parts.push(...readBlock(readFile, places, (blocks[block] as { id: string }).id).slice(first, next));
  }
  const content = new Cursor(Buffer.concat(parts));
  const layer = kind === 1 ? content.data : rebuildTar(recipe.take(recipe.varint()), sizeBytes, content);
  expectDigest(layer, diffId);
  return layer;
};
