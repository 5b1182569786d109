import { StringDecoder } from 'node:string_decoder';

/**
 * Reads `--info=progress2` of rsync: each report begins with the bytes done so far, for the transfer as a whole.
 *
 * @param onBytes called with the bytes since the last report
 * @returns takes chunks of rsync's output
 * @example '      1234567  12%    1.20MB/s    0:00:08\r'
 */
export const watchProgress = (onBytes: (bytes: number) => void): ((chunk: Buffer) => void) => {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let doneBytes = 0;
  return (chunk) => {
    const lines = (rest + decoder.write(chunk)).split(/[\r\n]/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const report = /^\s*(\d+)\s+\d+%/.exec(line);
      const bytes = Number(report?.[1] ?? 0);
      if (bytes <= doneBytes) continue;
      onBytes(bytes - doneBytes);
      doneBytes = bytes;
    }
  };
};
