/**
 * Runs a command in an SDK container that has this checkout mounted. The container stays, stopped, for the next
 * command (or for `docker commit`), unless --rm is given. An ordinary container: no privileges, no added capabilities.
 * Reads:  the version file
 * Writes: clean-up commands to the file of -x
 */
import { findEngine } from './engine.ts';
import { runMain } from './fault.ts';
import { assembleContainer, runInSdk } from './run-in-sdk.ts';
import { parseRunOptions, runUsage } from './run-options.ts';

await runMain('run_sdk_container', async (args) => {
  if (args[0] === '--help' || args[0] === '-h') {
    process.stdout.write(`usage: ${runUsage}\n`);
    return 0;
  }
  const options = parseRunOptions(args);
  return runInSdk(await assembleContainer(options, await findEngine()), options);
});
