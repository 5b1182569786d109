import { type FileHandle, open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';

/** The serial console of a machine, read while QEMU writes it to a file. */
export interface Console {
  readonly file: string;
  /** The present end; give it to {@link Console.textFrom} or {@link Console.find} to look only at what came later. */
  mark(): number;
  /** What came after `mark`, without escape sequences. */
  textFrom(mark: number): string;
  /** The first match of `pattern` after `mark`, or undefined as yet. */
  find(pattern: RegExp, mark?: number): string | undefined;
  /** The last lines that are not blank, fit to be shown: long ones are cut, unprintable bytes are replaced. */
  lastLines(count?: number): string[];
  /** Calls `listener` after each piece of new text. @returns stops that */
  onText(listener: () => void): () => void;
  /** Reads what is left and ends. */
  close(): Promise<void>;
}

const POLL_MS = 100;

/** A console that writes without end must not fill the memory; the file keeps everything. */
const KEPT_CHARACTERS = 512 * 1024;

const ESC = String.fromCharCode(27);
const ESCAPES = new RegExp(`${ESC}(?:\\[[0-9;?=<>]*[ -/]*[@-~]|[()][0-9A-Za-z]|[=>78cDEHMNOZ])`, 'g');
const UNFINISHED_ESCAPE = new RegExp(`${ESC}(?:\\[[0-9;?=<>]*[ -/]*|[()])?$`);

/** Takes pieces of console output; gives text without escape sequences and carriage returns, however the pieces were cut. */
export const createConsoleCleaner = (): ((piece: Buffer) => string) => {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return (piece) => {
    const raw = rest + decoder.write(piece);
    rest = UNFINISHED_ESCAPE.exec(raw)?.[0] ?? '';
    const whole = raw.slice(0, raw.length - rest.length);
    return whole.replace(ESCAPES, '').replaceAll('\r', '').replaceAll('\0', '');
  };
};

const SHOWN_CHARACTERS = 240;

/** A guest may print anything; what goes into a log or a report must not. */
const toShown = (line: string): string =>
  line
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\t]/gu, '?')
    .trimEnd()
    .slice(0, SHOWN_CHARACTERS);

const createText = () => {
  const clean = createConsoleCleaner();
  let text = '';
  let dropped = 0;
  return {
    add(piece: Buffer): void {
      text += clean(piece);
      const excess = text.length - KEPT_CHARACTERS;
      if (excess <= 0) return;
      text = text.slice(excess);
      dropped += excess;
    },
    end: () => dropped + text.length,
    from: (mark: number) => text.slice(Math.max(0, mark - dropped)),
  };
};

const readNew = async (handle: FileHandle, take: (piece: Buffer) => void): Promise<boolean> => {
  const buffer = Buffer.alloc(64 * 1024);
  let any = false;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length);
    if (bytesRead === 0) return any;
    any = true;
    take(buffer.subarray(0, bytesRead));
  }
};

/**
 * Follows a console log from its beginning. The file is made anew, for a QEMU that is started after this.
 *
 * @param file absolute path
 */
export const followConsole = async (file: string): Promise<Console> => {
  const handle = await open(file, 'w+', 0o644);
  const text = createText();
  const listeners = new Set<() => void>();
  const closing = new AbortController();
  const poll = async (): Promise<void> => {
    if (await readNew(handle, text.add)) for (const listener of listeners) listener();
  };
  const loop = (async () => {
    while (!closing.signal.aborted) {
      await poll();
      await sleep(POLL_MS, undefined, { signal: closing.signal }).catch(() => {});
    }
    await poll();
    await handle.close();
  })();
  return {
    file,
    mark: text.end,
    textFrom: text.from,
    find: (pattern, mark = 0) => pattern.exec(text.from(mark))?.[0],
    lastLines: (count = 15) =>
      text
        .from(0)
        .split('\n')
        .filter((line) => line.trim() !== '')
        .slice(-count)
        .map(toShown),
    onText(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closing.abort();
      await loop;
    },
  };
};
