#!/usr/bin/env node
/**
 * The very first script of every npm command: `node lib/setup/enter.mjs SCRIPT.ts [ARG…]`.
 *
 * Makes sure that node_modules is what package-lock.json says, then runs SCRIPT.ts with the pinned Node (the npm package
 * `node`), with node_modules/.bin first in PATH. Plain JavaScript with node: modules only, because it has to work on the
 * machine's own Node (20 or later) before anything is installed. When all is there it says nothing.
 *
 * - SLIPWAY_NO_INSTALL=1: installs nothing; names what is missing, npm and Debian packages both, and ends with exit code 2
 * - `enter.mjs --install` installs only; what the script runs itself, under a lock
 * - for `npm run setup` it also puts the steps into bundles again when a source has changed since; other commands do not ask
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dpkgQuery, findProgram, notInstalled, readHostPackages } from './debian-packages.mjs';
import { missingNpmPackages, pinnedNode } from './npm-packages.mjs';
import { areBundlesStale } from './stale-bundles.mjs';

const MIN_NODE_MAJOR = 20;
/** flock's exit code when somebody else has the lock; none of ours. */
const LOCKED = 75;
const SETUP = 'ci-automation/setup.ts';
const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const binFolder = join(root, 'node_modules/.bin');

/** @param {string} text */
const say = (text) => process.stderr.write(`${text}\n`);

/** @param {string} text @param {number} exitCode @returns {never} */
const giveUp = (text, exitCode) => {
  say(text);
  process.exit(exitCode);
};

/** PATH without node_modules/.bin: npm must not run on the Node that it is about to replace. */
const ownPath = () =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => resolve(folder) !== binFolder)
    .join(delimiter);

/** @param {string[]} command @param {string} cwd */
const install = (command, cwd = root) => {
  say(`$ ${command.join(' ')}`);
  const env = { ...process.env, PATH: ownPath(), NODE_OPTIONS: '' };
  const { status, signal, error } = spawnSync(command[0], command.slice(1), { cwd, env, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  const end = error
    ? `could not be started (${error.message})`
    : signal
      ? `ended with ${signal}`
      : `failed (${status})`;
  giveUp(
    `error SETUP_NPM_FAILED: '${command.join(' ')}' ${end}.\n` +
      '  Its messages are above. Check that the npm registry can be reached (npm ping), then run this again.',
    1,
  );
};

/** Only makes the steps start faster, so that a failure is worth a line and no more. */
const bundleSteps = () => {
  say('Putting the steps into bundles, so that they start faster (first run, or a source has changed).');
  const { status } = spawnSync(pinnedNode(root), [join(root, 'lib/setup/bundle-steps.mjs')], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0)
    say(
      'The steps could not be put into bundles (lib/setup/bundle-steps.mjs); they start from their sources, a little slower.',
    );
};

const installNpmPackages = () => {
  // Somebody else may have installed while this process waited for the lock.
  if (missingNpmPackages(root).length === 0) return;
  if (!findProgram('npm', ownPath())) {
    giveUp(
      `error SETUP_NPM_MISSING: npm is not installed; it is needed once, to install the packages of ${join(root, 'package-lock.json')}.\n` +
        '  Install it (Debian: apt-get install npm), then run this again.',
      1,
    );
  }
  say('Installing the npm packages of package-lock.json (first run, or the lockfile has changed).');
  // Scripts of packages do not run, except those that package.json allows: here the one that fetches the pinned Node.
  install(['npm', 'ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  const { allowScripts = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const allowed = Object.keys(allowScripts).filter((name) => allowScripts[name]);
  if (allowed.length > 0) install(['npm', 'rebuild', '--ignore-scripts=false', '--loglevel=error', ...allowed]);
  const missing = missingNpmPackages(root);
  if (missing.length === 0) return;
  giveUp(
    'error SETUP_NPM_INCOMPLETE: npm ended well, but this is still not as package-lock.json says:\n' +
      missing.map(({ place, version, reason }) => `  ${place} ${version}: ${reason}`).join('\n'),
    1,
  );
};

const installAll = () => {
  installNpmPackages();
  if (areBundlesStale(root)) bundleSteps();
};

/** Two runs at once must not install into one folder: util-linux's flock, which every Debian has; it leaves no file behind. */
const installAlone = () => {
  const flock = findProgram('flock', process.env.PATH);
  if (!flock) return installAll();
  const command = [join(root, 'package-lock.json'), process.execPath, fileURLToPath(import.meta.url), '--install'];
  const lockAndInstall = (/** @type {string[]} */ ...options) =>
    spawnSync(flock, [...options, ...command], { stdio: ['ignore', 2, 2] }).status;
  let status = lockAndInstall('--nonblock', '--conflict-exit-code', String(LOCKED));
  if (status === LOCKED) {
    say('Another run is installing the npm packages; waiting for it.');
    status = lockAndInstall();
  }
  if (status !== 0) process.exit(status ?? 1);
};

/** @param {string} group */
const missingDebianPackages = (group) => {
  const packages = readHostPackages(root).filter(({ groups }) => group === '' || groups.includes(group));
  const { stdout, error } = spawnSync('dpkg-query', dpkgQuery(packages).slice(1), { encoding: 'utf8' });
  if (error) return [];
  const missing = notInstalled(packages, stdout);
  if (!missing.some((entry) => entry.for === 'engine')) return missing;
  const hasEngine =
    findProgram('dockerd', process.env.PATH) ||
    findProgram('podman', process.env.PATH) ||
    spawnSync('docker', ['version'], { stdio: 'ignore', timeout: 10_000 }).status === 0;
  return missing.filter((entry) => !hasEngine || entry.for !== 'engine');
};

/** Words in lines of at most 110 columns, with two spaces before each. @param {string[]} words */
const wrap = (words) => {
  const lines = [''];
  for (const word of words) {
    if (`${lines.at(-1)} ${word}`.length > 108) lines.push('');
    lines[lines.length - 1] = `${lines.at(-1)} ${word}`.trimStart();
  }
  return lines.map((line) => `  ${line}`);
};

/** @param {ReturnType<typeof missingNpmPackages>} npm @param {string} script */
const listMissing = (npm, script) => {
  const debian = missingDebianPackages(
    script.endsWith('nightly.ts') ? 'nightly' : script.endsWith('run.ts') ? 'test' : '',
  );
  const lines = [
    'error SETUP_INCOMPLETE: something is missing, and SLIPWAY_NO_INSTALL is set, so nothing was installed.',
  ];
  if (debian.length > 0) {
    lines.push(`Debian packages (${debian.length}):`, ...debian.map(({ name, why }) => `  ${name}: ${why}`));
    lines.push(...wrap(['To install: apt-get install --no-install-recommends', ...debian.map(({ name }) => name)]));
  }
  lines.push(`npm packages (${npm.length}), to install: cd ${root} && npm run setup`);
  const named = npm.map(({ place, version }) => `${place.replace(/^.*node_modules\//, '')}@${version}`);
  lines.push(...wrap([...new Set(named)]));
  giveUp(lines.join('\n'), 2);
};

/** @param {string} script absolute path @param {string[]} args */
const runPinned = (script, args) => {
  const node = pinnedNode(root);
  const env = { ...process.env, PATH: [binFolder, ownPath()].filter(Boolean).join(delimiter) };
  // This process becomes the script: same process id, so signals and exit code need no passing on.
  if (process.execve) process.execve(node, [node, script, ...args], env);
  const child = spawn(node, [script, ...args], { env, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Ctrl-C on a terminal reaches the script by itself; a second one would look like impatience.
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

const main = () => {
  const [script = '', ...args] = process.argv.slice(2);
  if (Number.parseInt(process.versions.node, 10) < MIN_NODE_MAJOR) {
    giveUp(
      `error SETUP_NODE_OLD: this is Node ${process.versions.node}; Slipway needs Node ${MIN_NODE_MAJOR} or later.`,
      2,
    );
  }
  if (script === '--install') return installAll();
  const file = resolve(root, script);
  if (!/\.(ts|mjs|js)$/.test(script) || !existsSync(file)) {
    giveUp(
      `error SETUP_SCRIPT_MISSING: there is no script '${script}' in ${root}.\n  Usage: enter.mjs SCRIPT.ts [ARG…]`,
      2,
    );
  }
  const missing = missingNpmPackages(root);
  const mayInstall = ['', '0', undefined].includes(process.env.SLIPWAY_NO_INSTALL);
  if (missing.length > 0 && !mayInstall) listMissing(missing, script);
  if (missing.length > 0 || (script === SETUP && mayInstall && areBundlesStale(root))) installAlone();
  runPinned(file, args);
};

main();
