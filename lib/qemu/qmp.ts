import type { Readable, Writable } from 'node:stream';
import { slipwayError } from '../errors/index.ts';

/** An event of the machine, for example `{ event: 'RESET', data: { guest: true, … } }`. */
export interface QmpEvent {
  readonly event: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** QEMU's control channel (QMP, one JSON object per line). */
export interface Qmp {
  /** @throws VM_CONTROL_FAILED when QEMU refuses the command or is gone */
  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** @returns stops the calls */
  onEvent(listener: (event: QmpEvent) => void): () => void;
}

interface Waiting {
  readonly command: string;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface Answer {
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly desc?: string };
  readonly event?: string;
}

const parseAnswer = (line: string): Answer => {
  try {
    return JSON.parse(line) as Answer;
  } catch {
    // Not ours: a library inside QEMU that prints to standard output.
    return {};
  }
};

/** Speaks QMP over QEMU's standard input and output; replies are matched by id, so commands may overlap. */
export const createQmp = (stdin: Writable, stdout: Readable): Qmp => {
  const waiting = new Map<number, Waiting>();
  const listeners = new Set<(event: QmpEvent) => void>();
  let nextId = 1;
  let rest = '';
  let ended = false;

  const settle = (answer: Answer): void => {
    const call = answer.id === undefined ? undefined : waiting.get(answer.id);
    if (answer.id === undefined || !call) return;
    waiting.delete(answer.id);
    if (!answer.error) call.resolve(answer.return);
    else
      call.reject(
        slipwayError('VM_CONTROL_FAILED', { command: call.command, answer: answer.error.desc ?? 'no reason' }),
      );
  };
  const take = (line: string): void => {
    const answer = parseAnswer(line);
    if (answer.event === undefined) settle(answer);
    else for (const listener of listeners) listener(answer as QmpEvent);
  };
  const endAll = (): void => {
    ended = true;
    for (const { command, reject } of waiting.values()) {
      reject(slipwayError('VM_CONTROL_FAILED', { command, answer: 'QEMU has ended' }));
    }
    waiting.clear();
  };

  stdout.setEncoding('utf8');
  stdout.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') take(line);
  });
  stdout.on('close', endAll);
  stdout.on('error', endAll);
  // QEMU may be gone before the command is written; the answer that never comes is reported by endAll.
  stdin.on('error', endAll);

  return {
    execute(command, args) {
      if (ended) return Promise.reject(slipwayError('VM_CONTROL_FAILED', { command, answer: 'QEMU has ended' }));
      const id = nextId++;
      return new Promise((resolve, reject) => {
        waiting.set(id, { command, resolve, reject });
        stdin.write(`${JSON.stringify({ execute: command, ...(args ? { arguments: args } : {}), id })}\n`);
      });
    },
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};

/**
 * The loopback port that QEMU picked for its forwarding rule.
 *
 * @param usernet answer of the monitor command `info usernet`
 * @example parseForwardedPort('  TCP[HOST_FORWARD]  11  127.0.0.1 36675  10.0.2.15  22  0  0') // 36675
 */
export const parseForwardedPort = (usernet: string): number | undefined => {
  const port = /TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s/.exec(usernet)?.[1];
  return port === undefined ? undefined : Number(port);
};
