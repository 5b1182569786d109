#!/usr/bin/env node
/**
 * The program `slipway` of the published package: `slipway packages amd64` runs a step, with the pinned Node that the package depends on, else
 * with the one that runs this if it is new enough. Plain JavaScript that older ones understand, so that they can say what is missing.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MIN_NODE_MAJOR = 24;
const here = dirname(realpathSync(fileURLToPath(import.meta.url)));
const steps = join(here, '../../ci-automation');
const require = createRequire(import.meta.url);

/** They make a checkout ready, or start the scripts of one. */
const OF_A_CHECKOUT = ['bisect', 'glue', 'job', 'nightly', 'reproduce', 'setup'];

/** @param {string} text @param {number} exitCode @returns {never} */
const giveUp = (text, exitCode) => {
  process.stderr.write(`${text}\n`);
  process.exit(exitCode);
};

const names = readdirSync(steps)
  .filter((name) => name.endsWith('.js'))
  .map((name) => name.slice(0, -'.js'.length))
  .filter((name) => !OF_A_CHECKOUT.includes(name))
  // The others beside them are parts of programs.
  .filter((name) => readFileSync(join(steps, `${name}.js`), 'utf8').includes('import.meta.main'))
  .sort();

/** Folder of an installed package, wherever npm has put it. @param {string} name */
const folderOf = (name) => {
  const found = require.resolve.paths(name)?.map((folder) => join(folder, name)) ?? [];
  return found.find((folder) => {
    try {
      accessSync(folder);
      return true;
    } catch {
      return false;
    }
  });
};

const findNode = () => {
  const program = join(folderOf('node') ?? here, 'bin/node');
  try {
    accessSync(program, constants.X_OK);
    return program;
  } catch {
    // Installed without scripts: then the package brings no program.
    if (Number.parseInt(process.versions.node, 10) >= MIN_NODE_MAJOR) return process.execPath;
    return giveUp(
      `error SETUP_NODE_OLD: this is Node ${process.versions.node}; Slipway needs Node ${MIN_NODE_MAJOR} or later.\n` +
        "  Let npm run the scripts of the package 'node', which bring it (npm rebuild --ignore-scripts=false node), or use a newer Node.",
      2,
    );
  }
};

const HELP = `slipway: steps that build, publish, test and release an operating-system image

Usage: slipway STEP [ARGUMENT...]
  slipway STEP --help says what a step takes. Call it in the root of the OS tree.

Steps and tools:
${names.map((name) => `  ${name}`).join('\n')}
`;

const main = () => {
  const [name = '', ...args] = process.argv.slice(2);
  if (name === '--help' || name === 'help') {
    process.stdout.write(HELP);
    return;
  }
  if (!names.includes(name)) giveUp(`error STEP_UNKNOWN: there is no step '${name}'.\n  Steps: ${names.join(', ')}`, 2);
  const node = findNode();
  // The tree's entry points look for node and zx on the PATH.
  const zx = folderOf('zx');
  const folders = [dirname(node), ...(zx ? [join(dirname(zx), '.bin')] : []), process.env.PATH ?? ''];
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const env = {
    ...process.env,
    PATH: folders.join(delimiter),
    // As in run-step.sh: starts in half the time; memory of large buffers goes back to the system at once.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE || join(cache, 'slipway/node-compile-cache'),
    MALLOC_MMAP_THRESHOLD_: process.env.MALLOC_MMAP_THRESHOLD_ || '5242880',
  };
  const command = [join(steps, `${name}.js`), ...args];
  // This process becomes the step: same process id, so signals and exit code need no passing on.
  if (process.execve) process.execve(node, [node, ...command], env);
  const child = spawn(node, command, { env, stdio: 'inherit' });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      // Ctrl-C on a terminal reaches the step by itself; a second one would look like impatience.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => giveUp(`error SETUP_NODE_FAILED: could not start ${node}: ${error.message}`, 1));
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
};

main();
