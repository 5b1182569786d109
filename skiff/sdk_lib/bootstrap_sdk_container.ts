/**
 * Makes an SDK tarball from a seed: `debian` (or debian-SUITE) starts from the Debian mirror on this machine, any other
 * seed is the version of an SDK whose container image is on this machine.
 * Writes: what bootstrap_sdk writes; the version file (SDK and OS version TARGET); clean-up commands to the file of -x
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { findEngine, quoteWord } from './engine.ts';
import { misuse, runMain } from './fault.ts';
import { onInterrupt, stopIfInterrupted } from './interrupt.ts';
import { log } from './log.ts';
import { readOptions } from './options.ts';
import { assembleContainer, runInSdk } from './run-in-sdk.ts';
import { parseRunOptions } from './run-options.ts';
import { treeDir } from './tree.ts';
import { getVersionNumber, writeTreeVersion } from './version.ts';

const usage = './bootstrap_sdk_container [-l DIR] [-x FILE] SEED TARGET';
const workDir = path.join(treeDir, '__build__/tmp/bootstrap_sdk');
const sdkDir = path.join(treeDir, '__build__/images/sdk');

/** Runs a program with our standard streams; a signal to us is one to it, and we wait for it to clean up. */
async function runToEnd([program = '', ...args]: string[]): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit' });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 1));
  });
  onInterrupt(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  return ended;
}

/** On this machine, as root: with sudo where the caller is somebody else, who then gets the results. */
async function bootstrapOnHost(suite: string | undefined, target: string): Promise<number> {
  const uid = process.getuid?.() ?? 0;
  const sudo = uid === 0 ? [] : ['sudo', '-E', 'env', `PATH=${process.env.PATH}`];
  const options = ['--version', target, ...(suite ? ['--suite', suite] : [])];
  const status = await runToEnd([...sudo, path.join(treeDir, 'bootstrap_sdk'), ...options]);
  const owner = `${uid}:${process.getgid?.() ?? 0}`;
  if (uid !== 0) await $({ quiet: true, nothrow: true })`sudo chown -R ${owner} ${path.join(treeDir, '__build__')}`;
  return status;
}

/** In the seed's SDK container, removed afterwards: all it made is in the checkout. */
async function bootstrapInSeed(seed: string, target: string, cleanupFile?: string): Promise<number> {
  const cleanup = cleanupFile ? ['-x', cleanupFile] : [];
  // After the container is gone: what it was making.
  onInterrupt(() => fs.rm(workDir, { recursive: true, force: true }));
  const options = parseRunOptions(['--rm', '-V', seed, '-v', target, ...cleanup]);
  options.command = ['./bootstrap_sdk', '--version', target];
  return runInSdk(await assembleContainer(options, await findEngine()), options);
}

async function copyLogs(folder: string): Promise<void> {
  await fs.mkdir(folder, { recursive: true });
  await fs.cp(path.join(sdkDir, 'log'), folder, { recursive: true, force: true }).catch((error: unknown) => {
    log(`no logs to copy to ${folder}: ${error instanceof Error ? error.message : String(error)}`);
  });
}

async function main(args: string[]): Promise<number> {
  const table = { log: { type: 'string', short: 'l' }, cleanup: { type: 'string', short: 'x' } } as const;
  const { values, positionals } = readOptions(args, usage, table, 2);
  const [seed = '', rawTarget = ''] = positionals;
  const target = getVersionNumber(rawTarget);
  if (!/^\d+\.\d+\.\d+/.test(target)) throw misuse(`"${rawTarget}" is no version`, 'for example 4799.0.0-nightly-1');
  const debian = /^debian(?:-([a-z]+))?$/.exec(seed);
  log(debian ? 'seed: the Debian mirror' : `seed: SDK ${getVersionNumber(seed)}`);
  if (values.cleanup) {
    const prefix = process.getuid?.() === 0 ? '' : 'sudo ';
    await fs.appendFile(values.cleanup, `${prefix}rm -rf ${quoteWord(workDir)}\n`);
  }
  const status = debian
    ? await bootstrapOnHost(debian[1], target)
    : await bootstrapInSeed(seed, target, values.cleanup);
  await stopIfInterrupted();
  if (values.log) await copyLogs(values.log);
  await writeTreeVersion(target, target);
  return status === 0 ? 0 : 1;
}

await runMain('bootstrap_sdk_container', main);
