/** `npm run setup`: installs and starts everything that the nightly and the tests need on this machine, and does nothing else. */
import { loadSettings } from '../lib/config/index.ts';
import { prepareHost } from '../lib/setup/index.ts';
import { configFiles, type StepIo } from '../lib/step/index.ts';
import { processIo } from './run-as-script.ts';
import { runCommand } from './run-command.ts';

const main = (io: StepIo): Promise<number> =>
  runCommand(io, false, async ({ log }) => {
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
  });

if (import.meta.main) process.exitCode = await main(await processIo());
