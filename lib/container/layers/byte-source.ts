/** Bytes that arrive in pieces, to be taken in other pieces. */
export interface ByteSource {
  /** The next `bytes` bytes as one buffer; fewer at the end of the source. For small amounts. */
  take(bytes: number): Promise<Buffer>;
  /** The next `bytes` bytes as they come; fewer at the end of the source. What is not read of them has to be passed over by {@link skip}. */
  pieces(bytes: number): AsyncGenerator<Buffer, void, undefined>;
  skip(bytes: number): Promise<void>;
  /** How many bytes have been taken so far. */
  readonly position: number;
}

/** @param stream what to read; its own errors are passed on */
export const createByteSource = (stream: AsyncIterable<Buffer>): ByteSource => {
  const iterator = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  let position = 0;

  /** At least one byte and at most `most`, or undefined at the end. */
  const next = async (most: number): Promise<Buffer | undefined> => {
    while (rest.length === 0) {
      const { done, value } = await iterator.next();
      if (done) return undefined;
      rest = value;
    }
    const piece = rest.subarray(0, most);
    rest = rest.subarray(piece.length);
    position += piece.length;
    return piece;
  };

  async function* pieces(bytes: number): AsyncGenerator<Buffer, void, undefined> {
    for (let left = bytes; left > 0; ) {
      const piece = await next(left);
      if (!piece) return;
      left -= piece.length;
      yield piece;
    }
  }

  return {
    pieces,
    async take(bytes) {
      const parts: Buffer[] = [];
      for await (const piece of pieces(bytes)) parts.push(piece);
      return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
    },
    async skip(bytes) {
      for (let left = bytes; left > 0; ) {
        const piece = await next(left);
        if (!piece) return;
        left -= piece.length;
      }
    },
    get position() {
      return position;
    },
  };
};
