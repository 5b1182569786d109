/** All parts of a tar but contents are this long or are filled up to it. */
export const TAR_BLOCK_BYTES = 512;

/** Bodies of pax and GNU name records longer than this are taken for contents. */
const MOST_META_BYTES = 1024 * 1024;

/** The mtime field of a header, and the checksum field right after it. */
export const MTIME = { offset: 136, bytes: 12 } as const;
export const CHECKSUM = { offset: 148, bytes: 8 } as const;

const ZEROS = Buffer.alloc(TAR_BLOCK_BYTES);
const SPACE = 0x20;
const [ZERO_DIGIT, EIGHT_DIGIT] = [0x30, 0x38];

/** Whether the block of 512 bytes has only zeros. */
export const isZeroBlock = (block: Buffer): boolean => block[0] === 0 && ZEROS.equals(block);

const base256Field = (block: Buffer, offset: number, bytes: number): number | undefined => {
  if (block[offset] !== 0x80) return undefined;
  let value = 0;
  for (let at = offset + 1; at < offset + bytes; at += 1) value = value * 256 + (block[at] as number);
  return Number.isSafeInteger(value) ? value : undefined;
};

/** Octal digits after spaces, ended by a space, a zero byte or the field's end; or base 256. Undefined for anything else. */
export const numberField = (block: Buffer, offset: number, bytes: number): number | undefined => {
  if ((block[offset] as number) >= 0x80) return base256Field(block, offset, bytes);
  const end = offset + bytes;
  let at = offset;
  while (at < end && block[at] === SPACE) at += 1;
  let value = 0;
  for (; at < end; at += 1) {
    const digit = block[at] as number;
    if (digit === 0 || digit === SPACE) break;
    if (digit < ZERO_DIGIT || digit >= EIGHT_DIGIT) return undefined;
    value = value * 8 + digit - ZERO_DIGIT;
  }
  return value;
};

/** Sum of the bytes of a header, those of the checksum field taken as spaces; `signed` as some old programs computed it. */
export const headerSum = (block: Buffer, signed = false): number => {
  let sum = CHECKSUM.bytes * SPACE;
  for (let at = 0; at < CHECKSUM.offset; at += 1) sum += block[at] as number;
  for (let at = CHECKSUM.offset + CHECKSUM.bytes; at < TAR_BLOCK_BYTES; at += 1) sum += block[at] as number;
  if (!signed) return sum;
  for (let at = 0; at < TAR_BLOCK_BYTES; at += 1) {
    const inField = at >= CHECKSUM.offset && at < CHECKSUM.offset + CHECKSUM.bytes;
    if (!inField && (block[at] as number) >= 0x80) sum -= 256;
  }
  return sum;
};

/** Writes a checksum as nearly every program does: six octal digits, a zero byte, a space. */
export const writeChecksum = (block: Buffer, sum: number): void => {
  let rest = sum;
  for (let at = CHECKSUM.offset + 5; at >= CHECKSUM.offset; at -= 1) {
    block[at] = ZERO_DIGIT + (rest & 7);
    rest >>= 3;
  }
  block[CHECKSUM.offset + 6] = 0;
  block[CHECKSUM.offset + 7] = SPACE;
};

/** The `size` record in the body of a pax header, if it has one that makes sense. */
const paxSizeOf = (body: Buffer): number | undefined => {
  let found: number | undefined;
  for (let at = body.indexOf(' size='); at >= 0; at = body.indexOf(' size=', at + 1)) {
    let start = at;
    while (start > 0 && (body[start - 1] as number) >= ZERO_DIGIT && (body[start - 1] as number) <= 0x39) start -= 1;
    const recordBytes = Number(body.toString('latin1', start, at));
    if ((start > 0 && body[start - 1] !== 0x0a) || start + recordBytes > body.length) continue;
    const record = body.toString('latin1', at + 6, Math.min(start + recordBytes, at + 32));
    if (/^\d{1,15}\n$/.test(record)) found = Number(record);
  }
  return found;
};

/** What the next bytes of a tar are. `block` is a header, or zeros where one could be; `extension` a further header of an old GNU sparse file. */
export type TarPart = 'block' | 'extension' | 'meta' | 'content' | 'padding';

/**
 * Says which part of a tar comes next: the one thing that who takes a layer apart and who puts it together again must agree on
 * (docs/cache-format.md has it in words).
 */
export class TarGrammar {
  part: TarPart = 'block';
  /** Of the part, in bytes; never 0. A content may end earlier, with the layer. */
  length = TAR_BLOCK_BYTES;
  /** Of the content that comes after extensions. */
  #bodyBytes = 0;
  /** From a pax header, for the entry that follows. */
  #paxSize: number | undefined;
  #isPaxBody: boolean = false;

  #become(part: TarPart, length: number): void {
    this.part = part;
    this.length = length;
  }

  #afterBody(bodyBytes: number): void {
    const padding = (TAR_BLOCK_BYTES - (bodyBytes % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
    if (padding > 0) this.#become('padding', padding);
    else this.#become('block', TAR_BLOCK_BYTES);
  }

  #body(part: 'content' | 'meta', bytes: number): void {
    this.#bodyBytes = bytes;
    if (bytes > 0) this.#become(part, bytes);
    else this.#become('block', TAR_BLOCK_BYTES);
  }

  #afterHeader(header: Buffer): boolean {
    const size = numberField(header, 124, 12);
    if (size === undefined) return false;
    const type = String.fromCharCode(header[156] as number);
    if ('xgLK'.includes(type)) {
      this.#isPaxBody = type === 'x';
      this.#body(size > MOST_META_BYTES ? 'content' : 'meta', size);
      return true;
    }
    const bodyBytes = this.#paxSize ?? size;
    this.#paxSize = undefined;
    // Links, devices, folders and pipes have no body, whatever their size field says.
    this.#body('content', '123456'.includes(type) ? 0 : bodyBytes);
    if (type === 'S' && header[482] !== 0) this.#become('extension', TAR_BLOCK_BYTES);
    return true;
  }

  /**
   * Goes on to the part after this one.
   *
   * @param bytes of this part; not needed for contents and padding. The mtime and checksum fields of a header do not matter.
   * @returns false if this part is no header of a tar: then nothing of what follows is known, either
   */
  next(bytes?: Buffer): boolean {
    switch (this.part) {
      case 'block':
        return bytes !== undefined && (isZeroBlock(bytes) || this.#afterHeader(bytes));
      case 'extension':
        if (bytes?.[504] === 0) this.#body('content', this.#bodyBytes);
        return true;
      case 'meta':
        if (this.#isPaxBody && bytes) this.#paxSize = paxSizeOf(bytes) ?? this.#paxSize;
        this.#afterBody(this.length);
        return true;
      case 'content':
        this.#afterBody(this.length);
        return true;
      case 'padding':
        this.#become('block', TAR_BLOCK_BYTES);
        return true;
    }
  }
}
