import type { EventOf, LogEvent } from '../events.ts';

/** A phase that runs now. */
export interface LivePhase {
  readonly event: EventOf<'phase-started'>;
  readonly startedMs: number;
}

/** A command that runs now. */
export interface LiveCommand {
  readonly event: EventOf<'command-started'>;
  readonly startedMs: number;
  /** The last line that it printed. */
  lastLine: string;
}

/** What goes on at a moment. */
export interface Live {
  readonly phases: Map<number, LivePhase>;
  readonly commands: Map<number, LiveCommand>;
  readonly transfers: Map<number, EventOf<'progress'>>;
}

/** Nothing goes on. */
export const createLive = (): Live => ({ phases: new Map(), commands: new Map(), transfers: new Map() });

/** Whether there is anything to show. */
export const isIdle = ({ phases, commands, transfers }: Live): boolean =>
  phases.size + commands.size + transfers.size === 0;

/**
 * Takes an event into account.
 *
 * @returns whether there is something else to show than before
 */
export const updateLive = (live: Live, event: LogEvent, nowMs: number): boolean => {
  switch (event.kind) {
    case 'phase-started':
      live.phases.set(event.id, { event, startedMs: nowMs });
      return true;
    case 'phase-finished':
      // What failed in it may never say that it ended.
      for (const [id, { phase }] of live.transfers) if (phase === event.id) live.transfers.delete(id);
      return live.phases.delete(event.id);
    case 'command-started':
      live.commands.set(event.id, { event, startedMs: nowMs, lastLine: '' });
      return true;
    case 'command-output': {
      const command = live.commands.get(event.id);
      if (command === undefined || event.line.trim() === '') return false;
      command.lastLine = event.line;
      return true;
    }
    case 'command-finished':
      return live.commands.delete(event.id);
    case 'progress':
      if (event.finished) return live.transfers.delete(event.id);
      live.transfers.set(event.id, event);
      return true;
    default:
      return false;
  }
};
