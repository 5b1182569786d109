import { type LoadedSettings, type Settings, secretsOf } from '../lib/config/index.ts';
import { exitCodeOf } from '../lib/errors/index.ts';
import type { Log } from '../lib/log/index.ts';
import {
  type Interruption,
  type OpenedStore,
  openLog,
  openStore,
  reportError,
  type StepIo,
  watchSignals,
} from '../lib/step/index.ts';

/** What a command that is no step opens while it runs; it is closed whatever happens. */
export interface CommandTools {
  /** The newest; errors are said with it. */
  readonly log: Log;
  /** Another log from here on. */
  openLog(json: boolean, secrets: readonly string[]): Log;
  /** Another log from here on: it masks the secrets of the settings, and has their warnings. */
  openLogFor(json: boolean, loaded: LoadedSettings): Log;
  /** The cache; a signal ends what is asked of it. */
  openStore(settings: Settings): Promise<OpenedStore>;
  /** For a command that opens no cache. */
  watchSignals(): Interruption;
}

/**
 * Runs a command that is no step: says its error, and turns it into an exit code as a step does.
 *
 * @param json whether its log is JSON lines, until it opens another
 * @param body returns the exit code
 */
export const runCommand = async (
  io: StepIo,
  json: boolean,
  body: (tools: CommandTools) => Promise<number>,
): Promise<number> => {
  let log = openLog(io, json, []);
  let opened: OpenedStore | undefined;
  let interruption: Interruption | undefined;
  const tools: CommandTools = {
    get log() {
      return log;
    },
    openLog(isJson, secrets) {
      log = openLog(io, isJson, secrets);
      return log;
    },
    openLogFor(isJson, loaded) {
      log = openLog(io, isJson, secretsOf(loaded.values));
      for (const warning of loaded.warnings) log.warn(warning);
      return log;
    },
    async openStore(settings) {
      opened = await openStore(io, settings, log);
      interruption = opened.interruption;
      return opened;
    },
    watchSignals() {
      interruption = watchSignals(io.onSignal);
      return interruption;
    },
  };
  try {
    return await body(tools);
  } catch (error) {
    // What a signal broke says less than the signal.
    const seen = interruption?.received() === undefined ? error : interruption.signal.reason;
    reportError(log, seen);
    return exitCodeOf(seen);
  } finally {
    await opened?.close();
    interruption?.close();
  }
};
