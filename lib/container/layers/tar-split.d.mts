/** Bytes of the tar as they are, or the place of a file's content. */
export type TarPart =
  | { readonly segment: Buffer }
  | { readonly name: string | Buffer; readonly sizeBytes: number };

export declare function readTarSplit(text: AsyncIterable<Buffer>): AsyncGenerator<TarPart, void, undefined>;
