import { slipwayError } from '../errors/index.ts';

/** Signals that end a step in an orderly way. */
export type StopSignal = 'SIGINT' | 'SIGTERM';

/** Subscribes to stop signals; returns how to unsubscribe. */
export type OnSignal = (handler: (signal: StopSignal) => void) => () => void;

/** What is known of an interruption. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** Set once interrupted. */
  received(): StopSignal | undefined;
  /** Stops listening. */
  close(): void;
}

/** Turns the first stop signal into an abort whose reason is the error INTERRUPTED. */
export const watchSignals = (onSignal: OnSignal): Interruption => {
  const controller = new AbortController();
  let received: StopSignal | undefined;
  const close = onSignal((signal) => {
    received ??= signal;
    controller.abort(slipwayError('INTERRUPTED', { signal }));
  });
  return { signal: controller.signal, received: () => received, close };
};
