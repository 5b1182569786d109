import { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** A program that never ends its line (a progress bar, binary data) must not fill the memory. */
const MAX_LINE_LENGTH = 64 * 1024;

/**
 * A stream that calls `onLine` for each line written to it, without the line end; `\r` alone ends a line too, because
 * progress bars use it so. The rest after the last line end counts as a line when the stream ends.
 */
export const splitLines = (onLine: (line: string) => void): Writable => {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const take = (text: string): void => {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
    if (rest.length < MAX_LINE_LENGTH) return;
    onLine(rest);
    rest = '';
  };
  return new Writable({
    write(chunk: Buffer, _encoding, next) {
      take(decoder.write(chunk));
      next();
    },
    final(next) {
      take(decoder.end());
      if (rest !== '') onLine(rest.replace(/\r$/, ''));
      next();
    },
  });
};
