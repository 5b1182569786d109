/** All parts of a tar but contents are this long, or are filled up to it. */
export const TAR_BLOCK_BYTES = 512;

const SPACE = 0x20;
const [ZERO_DIGIT, EIGHT_DIGIT] = [0x30, 0x38];

/** What a content of so many bytes takes in a tar. */
export const paddedBytes = (bytes: number): number => Math.ceil(bytes / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;

/** The text of a field, up to its first zero byte. */
export const textField = (header: Buffer, offset: number, bytes: number): string => {
  const field = header.subarray(offset, offset + bytes);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? bytes : end);
};

/** Big-endian two's complement, marked by the highest bit; GNU's way for what octal digits cannot say. */
const base256Field = (header: Buffer, offset: number, bytes: number): number => {
  const first = header[offset] ?? 0;
  let value = first === 0xff ? -1 : first & 0x7f;
  for (let at = offset + 1; at < offset + bytes; at += 1) value = value * 256 + (header[at] ?? 0);
  return value;
};

/**
 * A number of a header: octal digits after spaces, ended by a space, a zero byte or the field's end, none being 0; or base 256.
 *
 * @returns NaN for anything else; not a safe integer where the number is larger than any that a tar could mean
 */
export const numberField = (header: Buffer, offset: number, bytes: number): number => {
  if ((header[offset] ?? 0) >= 0x80) return base256Field(header, offset, bytes);
  const end = offset + bytes;
  let at = offset;
  while (at < end && header[at] === SPACE) at += 1;
  let value = 0;
  for (; at < end; at += 1) {
    const digit = header[at] ?? 0;
    if (digit === 0 || digit === SPACE) break;
    if (digit < ZERO_DIGIT || digit >= EIGHT_DIGIT) return Number.NaN;
    value = value * 8 + digit - ZERO_DIGIT;
  }
  return value;
};

/** The size field of a header: how many bytes come after it. NaN for what no tar could mean. */
export const sizeField = (header: Buffer): number => {
  const size = numberField(header, 124, 12);
  return Number.isSafeInteger(size) && size >= 0 ? size : Number.NaN;
};

/** The name of an entry as the header has it; one that does not fit in comes before it. GNU's old headers have other things where ustar has the prefix. */
export const nameField = (header: Buffer): string => {
  const name = textField(header, 0, 100);
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? textField(header, 345, 155) : '';
  return prefix ? `${prefix}/${name}` : name;
};
