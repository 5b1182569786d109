import { SlipwayError, slipwayError } from '../errors/index.ts';
import type { Console } from './console.ts';
import type { FailureSign } from './types.ts';

/** Looks after a running machine: notices its end and the signs of its failure, for everybody who waits for something. */
export interface Watch {
  /** Rejects with VM_PANIC or VM_EXITED when the machine can no longer be used; never resolves. */
  readonly fate: Promise<never>;
  /** Why the machine can no longer be used, if it is so. */
  lost(): Error | undefined;
  /** The machine ends because we end it; that is no failure. */
  expectEnd(): void;
  /** `work`, or the machine's failure if that comes first. */
  guard<T>(work: Promise<T>): Promise<T>;
  /**
   * Waits for console text.
   *
   * @param wait `mark`: only what came after; `awaited`: what it is called in the error
   * @throws VM_BOOT_TIMEOUT, VM_PANIC, VM_EXITED, or the reason of the aborted signal
   */
  awaitText(wait: { pattern: RegExp; mark: number; timeoutMs: number; awaited: string }): Promise<string>;
}

/** What the watch needs of the machine. */
export interface Watched {
  readonly console: Console;
  /** Settles when QEMU has ended. */
  readonly ended: Promise<unknown>;
  readonly failureSigns: readonly FailureSign[];
  readonly accelerator: string;
  readonly signal: AbortSignal;
}

const lineOf = (text: string, index: number): string => {
  const start = text.lastIndexOf('\n', index) + 1;
  const end = text.indexOf('\n', index);
  return text.slice(start, end < 0 ? undefined : end);
};

const findSign = (text: string, signs: readonly { name: string; pattern: RegExp }[]) => {
  for (const { name, pattern } of signs) {
    const match = pattern.exec(text);
    if (match) return { sign: name, line: lineOf(text, match.index) };
  }
  return undefined;
};

/** What QEMU said last, which is why it ended. */
const reasonOf = (error: unknown): string => {
  const said = error instanceof SlipwayError ? String(error.data.lastOutput ?? '').trim() : '';
  const message = error instanceof Error ? error.message : String(error);
  return said === '' ? message : `${message} ${said.split('\n').at(-1)}`;
};

/** Waits for the rest of a dying machine's words before they are quoted; a panic prints for a moment longer. */
const LAST_WORDS_MS = 300;

const createFate = (watched: Watched, isExpected: () => boolean): Promise<never> => {
  const { console, ended, failureSigns } = watched;
  const signs = failureSigns.map(({ name, pattern }) => ({ name, pattern: new RegExp(pattern, 'm') }));
  const facts = () => ({ consoleFile: console.file, lastLines: console.lastLines() });
  const fate = new Promise<never>((_resolve, reject) => {
    const off = console.onText(() => {
      const found = findSign(console.textFrom(0), signs);
      if (!found) return;
      off();
      setTimeout(() => reject(slipwayError('VM_PANIC', { ...facts(), ...found })), LAST_WORDS_MS);
    });
    const onEnd = (reason: string): void => {
      setTimeout(() => {
        off();
        if (!isExpected()) reject(slipwayError('VM_EXITED', { ...facts(), reason }));
      }, LAST_WORDS_MS);
    };
    ended.then(
      () => onEnd('QEMU ended without an error, as it does when the guest powers off'),
      (error: unknown) => onEnd(reasonOf(error)),
    );
  });
  return fate;
};

/** Starts to watch a machine. */
export const createWatch = (watched: Watched): Watch => {
  const { console, signal } = watched;
  let expected = false;
  let lost: Error | undefined;
  const fate = createFate(watched, () => expected);
  fate.catch((error: Error) => {
    lost = error;
  });
  const guard = <T>(work: Promise<T>): Promise<T> => Promise.race([fate, work]);

  const awaitText: Watch['awaitText'] = ({ pattern, mark, timeoutMs, awaited }) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const look = (): void => {
      const found = console.find(pattern, mark);
      if (found !== undefined) resolve(found);
    };
    const off = console.onText(look);
    const abort = (): void => reject(signal.reason as Error);
    const timer = setTimeout(() => {
      const facts = { awaited, timeoutMs, accelerator: watched.accelerator };
      reject(slipwayError('VM_BOOT_TIMEOUT', { ...facts, consoleFile: console.file, lastLines: console.lastLines() }));
    }, timeoutMs);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    look();
    return guard(promise).finally(() => {
      off();
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    });
  };
  return {
    fate,
    guard,
    awaitText,
    lost: () => lost,
    expectEnd: () => {
      expected = true;
    },
  };
};
