import { promisify } from 'node:util';
import { constants, type ZstdOptions, zstdCompress, zstdDecompress } from 'node:zlib';

const compressAsync = promisify(zstdCompress);
const decompressAsync = promisify(zstdDecompress);

/** Farther back no reader has to look: 128 MiB. */
const LARGEST_WINDOW_LOG = 27;
const PIECE_BYTES = 4 * 1024 * 1024 + 256 * 1024;
/** Of compressed bytes, whose number nobody knows: what is taken and not needed waits for the collector of garbage. */
const COMPRESSED_PIECE_BYTES = 512 * 1024;

/**
 * Parameters with which zstd finds what is in a dictionary of megabytes. The window must reach back to its begin. The strategy must be one that keeps
 * places of all of the dictionary: the higher ones (`greedy` and up) remember only the last 2^hashLog places, which for 12 MB and tables of a sane size
 * are the last two. Left to itself zstd sizes its tables for a dictionary of kilobytes and finds nothing. The tables are there twice, and are most of the
 * memory of a publication: a place in the first one for eight bytes and one in the second for thirty-two find as much (0.3 % less) as eight times as many.
 */
const dictionaryParams = (bytes: number): Record<number, number> => {
  const windowLog = Math.min(LARGEST_WINDOW_LOG, Math.max(18, Math.ceil(Math.log2(bytes + 1))));
  const hashLog = Math.max(17, Math.round(Math.log2(bytes / 8)));
  return {
    [constants.ZSTD_c_strategy]: constants.ZSTD_dfast,
    [constants.ZSTD_c_windowLog]: windowLog,
    [constants.ZSTD_c_hashLog]: hashLog,
    [constants.ZSTD_c_chainLog]: hashLog - 2,
  };
};

/** One zstd frame. `dictionary`: raw bytes that the reader has, too. */
export const compressFrame = (raw: Buffer, level: number, dictionary?: Buffer): Promise<Buffer> =>
  compressAsync(raw, {
    chunkSize: Math.max(64 * 1024, Math.min(raw.length, COMPRESSED_PIECE_BYTES)),
    // Else zstd takes room for a whole window of what might come.
    pledgedSrcSize: raw.length,
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      ...(dictionary && dictionaryParams(dictionary.length + raw.length)),
    },
    ...(dictionary && { dictionary }),
  });

/** How zlib is to decompress a frame that must give `rawBytes` bytes: never more than that is allocated, to a few pages. */
export const decompressOptions = (rawBytes: number): ZstdOptions => ({
  maxOutputLength: Math.max(1, rawBytes),
  chunkSize: Math.max(64, Math.min(rawBytes, PIECE_BYTES)),
  params: { [constants.ZSTD_d_windowLogMax]: LARGEST_WINDOW_LOG },
});

/** Decompresses one frame that must give `rawBytes` bytes. Throws zlib's errors. */
export const decompressFrame = async (frame: Buffer, rawBytes: number, dictionary?: Buffer): Promise<Buffer> => {
  const raw = await decompressAsync(frame, { ...decompressOptions(rawBytes), ...(dictionary && { dictionary }) });
  if (raw.length !== rawBytes) throw new Error(`it holds ${raw.length} bytes instead of ${rawBytes}`);
  return raw;
};
