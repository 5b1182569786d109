/** `npm run setup`: installs and starts everything that the nightly and the tests need on this machine, and does nothing else. */
import { loadSettings } from '../lib/config/index.ts';
import { exitCodeOf } from '../lib/errors/index.ts';
import { prepareHost } from '../lib/setup/index.ts';
import { configFiles, openLog, reportError, type StepIo } from '../lib/step/index.ts';
import { processIo } from './run-as-script.ts';

const main = async (io: StepIo): Promise<number> => {
  const log = openLog(io, false, []);
  try {
    const { values } = await loadSettings({
      flags: {},
      env: io.env,
      files: configFiles(io, { config: undefined }),
      cwd: io.cwd,
    });
    const noInstall = values.SLIPWAY_NO_INSTALL;
    for (const group of ['nightly', 'test'] as const) await prepareHost({ group, env: io.env, log, noInstall });
    log.info('This machine has everything that the nightly and the tests need.');
    return 0;
  } catch (error) {
    reportError(log, error);
    return exitCodeOf(error);
  }
};

if (import.meta.main) process.exitCode = await main(await processIo());
