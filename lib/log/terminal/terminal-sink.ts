import type { LogEvent, Sink } from '../events.ts';
import { formatCommand, formatDuration } from '../format.ts';
import { cleanText } from '../text/clean.ts';
import { createDepths } from '../text/depths.ts';
import { progressText, type Said, sayEvent } from '../text/line.ts';
import { drawFrame, type Room } from './frame.ts';
import { createLive, isIdle, updateLive } from './model.ts';
import { createScreen } from './screen.ts';
import { paint } from './style.ts';

/** 30 pictures per second are as many as anybody sees. */
const FRAME_MS = 33;

/** Elapsed times go on although nothing happens. */
const TICK_MS = 1000;

/** Time, as the view needs it. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  /** Calls `work` once after `ms`; returns how to call it off. */
  later(ms: number, work: () => void): () => void;
}

const REAL_TIME: Clock = {
  now: Date.now,
  later(ms, work) {
    // Nobody waits for a picture: it does not keep the process alive.
    const timer = setTimeout(work, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** What scrolls away of an event, besides what every text says. */
const sayHere = (event: LogEvent): Said | undefined => {
  if (event.kind === 'command-finished') {
    const { command, ok, signal, exitCode, durationMs } = event;
    const end = ok ? '' : `${signal ?? `exit code ${exitCode}`}, `;
    return { text: `$ ${formatCommand(command)} (${end}${formatDuration(durationMs)})`, tone: ok ? 'faint' : 'bad' };
  }
  if (event.kind === 'progress') return event.finished ? { text: progressText(event), tone: 'plain' } : undefined;
  return sayEvent(event);
};

/**
 * The log on a terminal: a live view of what runs, drawn in place, below the lines of what is over. What commands print is seen as their last line
 * only; a failure shows more of it.
 *
 * @param write takes text and control sequences
 * @param room asked before each drawing, so that a terminal may change its size
 * @param mask hides secrets
 */
export const terminalSink = (
  write: (text: string) => void,
  room: () => Room,
  mask: (text: string) => string,
  { now, later }: Clock = REAL_TIME,
): Sink => {
  const live = createLive();
  const depthOf = createDepths();
  const screen = createScreen(write, room);
  let above = '';
  let drawnMs = 0;
  let cancel = (): void => {};

  const draw = (): void => {
    cancel();
    drawnMs = now();
    screen.update(above, drawFrame(live, room(), { nowMs: drawnMs, mask }));
    above = '';
    if (isIdle(live)) return;
    cancel = later(TICK_MS, draw);
  };

  const drawSoon = (): void => {
    cancel();
    const waitMs = FRAME_MS - (now() - drawnMs);
    if (waitMs <= 0) draw();
    else cancel = later(waitMs, draw);
  };

  return (event) => {
    const depth = depthOf(event);
    const isChanged = updateLive(live, event, now());
    const said = sayHere(event);
    if (said) {
      const indent = event.kind === 'error' ? '' : '  '.repeat(depth);
      const lines = mask(cleanText(said.text)).split('\n');
      above += `${paint(lines.map((line) => `${indent}${line}`).join('\n'), said.tone)}\n`;
    }
    // What ends a step is the last that is heard of it; with nothing to draw there is nothing to wait for either.
    const isEnd = event.kind === 'error' || event.kind === 'step-finished';
    if (isEnd || (said && isIdle(live))) draw();
    else if (said || isChanged) drawSoon();
  };
};
