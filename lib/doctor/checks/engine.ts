import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineSearch, FoundEngine } from '../../container/index.ts';
import { isSlipwayError } from '../../errors/index.ts';
import { formatDuration } from '../../log/index.ts';
import { type Command, createRunner, type RunOptions } from '../../process/index.ts';
import { combine, failed, ok, skipped, warning } from '../finding.ts';
import { PROBE_EXIT_CODE, probeProgram } from '../probe-program.ts';
import type { Check, CheckContext, Finding } from '../types.ts';

const CLEANUP_MS = 3_000;
const FILE = 'probe';

const commandOf = ({ command }: FoundEngine, ...args: string[]): Command => [...command, ...args] as unknown as Command;

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

/** What an engine's client printed when it failed. */
const complaintOf = (error: unknown): string =>
  isSlipwayError(error, 'COMMAND_FAILED') ? lastLine(String(error.data.lastOutput)) : (error as Error).message;

/** An image with one program of some hundred bytes: nothing is downloaded for it. */
const makeImage = async ({ runner, makeTemp }: CheckContext, program: Buffer): Promise<string> => {
  const folder = await makeTemp();
  await writeFile(join(folder, FILE), program, { mode: 0o755 });
  const file = join(folder, 'image.tar');
  await runner.run(['tar', '--create', '--file', file, '--directory', folder, FILE]);
  return file;
};

/** Imports, runs and removes an image: storage driver, runtime and cgroups all have to work for that. */
const runContainer = async (context: CheckContext, engine: FoundEngine, arch: string): Promise<Finding> => {
  const program = probeProgram(arch);
  if (!program) return skipped(`there is no trial container for ${arch}`);
  const { runner, doing, env, cwd } = context;
  const options: RunOptions = { stdout: 'capture', env: engine.env };
  const file = await makeImage(context, program);
  const name = `slipway-doctor-${process.pid}-${randomBytes(4).toString('hex')}`;
  const startedMs = performance.now();
  try {
    doing(`${engine.name} was importing an image`);
    await runner.run(commandOf(engine, 'import', file, `${name}:trial`), options);
    doing(`${engine.name} was running a container`);
    const run = ['run', '--rm', '--name', name, '--network', 'none', `${name}:trial`, `/${FILE}`];
    await runner.run(commandOf(engine, ...run), { ...options, okExitCodes: [PROBE_EXIT_CODE] });
    return ok(`a trial container ran in ${formatDuration(performance.now() - startedMs)}`);
  } catch (error) {
    if (context.signal.aborted) throw error;
    const fix = `Its own words are the best hint. Does '${engine.command.join(' ')} info' warn of anything? In a container or a small virtual machine, look at cgroups and security options.`;
    return failed(`${engine.name} answers but cannot run a container: ${complaintOf(error)}`, fix);
  } finally {
    // Also when the time is over.
    const rescue = createRunner({ cwd, env: { ...env, ...engine.env }, killGraceMs: 500 });
    const quietly = (...args: string[]): Promise<unknown> =>
      rescue.run(commandOf(engine, ...args), { stdout: 'capture', timeoutMs: CLEANUP_MS }).catch(() => {});
    if (context.signal.aborted) await quietly('rm', '--force', name);
    await quietly('rmi', '--force', `${name}:trial`);
  }
};

const START_HINT = [
  'Start it: systemctl start docker',
  'Or install one: apt-get install --no-install-recommends docker.io iptables',
  'As a user without root: add yourself to the group docker (usermod -aG docker "$USER", then log in again), or set docker="sudo docker".',
].join('\n');

const noEngine = ({ env, settings }: CheckContext, { tried }: EngineSearch): Finding => {
  const seen = ['no container engine answers', ...tried.map(({ command, detail }) => `${command}: ${detail}`)];
  const asked = env.DOCKER_HOST
    ? `DOCKER_HOST=${env.DOCKER_HOST} says where the engine is; unset it if that is not so.\n`
    : settings?.docker
      ? `The setting docker='${settings.docker}' says which engine to use; remove it if that is not so.\n`
      : '';
  return failed(seen.join('\n'), `${asked}${START_HINT}`);
};

const storageFinding = (driver: string): Finding =>
  driver === 'vfs'
    ? warning(
        'storage driver vfs: every layer is a whole copy, slow and large',
        'Let the engine use overlay2 (docker) or overlay with fuse-overlayfs (podman): apt-get install fuse-overlayfs',
      )
    : ok(`storage driver ${driver}`);

export const engine: Check = {
  name: 'engine',
  summary: 'container engine: which, answers, storage driver, rootless or not, runs a container',
  limitMs: 30_000,
  async run(context) {
    context.doing('asking for a container engine');
    const search = await context.engine();
    if (!search.found) return noEngine(context, search);
    const { found } = search;
    const { version, isRootless, storageDriver, arch } = found.info;
    const kind = isRootless ? 'rootless' : 'not rootless';
    return combine([
      ok(`${found.command.join(' ')}: ${found.name} ${version}, ${kind}`),
      storageFinding(storageDriver),
      await runContainer(context, found, arch),
    ]);
  },
};
