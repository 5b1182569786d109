import { type FileHandle, open } from 'node:fs/promises';
import { slipwayError } from '../errors/index.ts';
import { parseRecordedLine, type RecordedEvent } from './parse.ts';

/** A line of a recording, and what it says. */
export interface ReadLine {
  /** With its line end. */
  readonly text: string;
  readonly recorded: RecordedEvent;
}

/** Reads a recording that may still grow. */
export interface RecordingReader {
  /** The whole lines that were written since the last call. */
  readMore(): AsyncGenerator<ReadLine>;
  /** Whether there is the beginning of a line after the last whole one. */
  hasPartOfLine(): boolean;
  close(): Promise<void>;
}

const BLOCK_BYTES = 256 * 1024;
const LINE_END = 0x0a;

const openFile = async (file: string): Promise<FileHandle> => {
  try {
    const handle = await open(file, 'r');
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    throw slipwayError('EVENTS_MISSING', { path: file, reason: 'it is not a file' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw slipwayError('EVENTS_MISSING', { path: file, reason: 'there is no such file' }, error);
    if (code === 'EACCES') throw slipwayError('EVENTS_MISSING', { path: file, reason: 'it may not be read' }, error);
    throw error;
  }
};

/**
 * Opens a recording, or a file with what a step wrote with `--json`.
 *
 * @throws EVENTS_MISSING; its methods throw EVENTS_UNREADABLE and EVENTS_SCHEMA_UNKNOWN
 */
export const openRecording = async (file: string): Promise<RecordingReader> => {
  const handle = await openFile(file);
  let position = 0;
  let line = 0;
  /** Bytes of a line whose end has not come. */
  let rest: Buffer[] = [];
  const parse = (bytes: Buffer): ReadLine | undefined => {
    line += 1;
    const text = bytes.toString('utf8');
    const recorded = parseRecordedLine(text, { file, line });
    return recorded && { text: `${text}\n`, recorded };
  };
  return {
    async *readMore() {
      for (;;) {
        const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(BLOCK_BYTES), 0, BLOCK_BYTES, position);
        if (bytesRead === 0) return;
        position += bytesRead;
        const block = buffer.subarray(0, bytesRead);
        let from = 0;
        for (let at = block.indexOf(LINE_END); at !== -1; at = block.indexOf(LINE_END, from)) {
          const one = parse(Buffer.concat([...rest, block.subarray(from, at)]));
          rest = [];
          from = at + 1;
          if (one) yield one;
        }
        if (from < bytesRead) rest.push(block.subarray(from));
      }
    },
    hasPartOfLine: () => rest.length > 0,
    close: () => handle.close(),
  };
};
