import fs from 'node:fs/promises';
import path from 'node:path';
import { assembleEnvOptions, assembleKeyMounts } from './container-env.ts';
import { type Engine, quoteWord } from './engine.ts';
import { Fault } from './fault.ts';
import { runWhole } from './interrupt.ts';
import { treeDir } from './tree.ts';

/** A container of an SDK image with this checkout mounted. */
export interface SdkContainer {
  engine: Engine;
  image: string;
  name: string;
  /** a terminal for the command */
  tty: boolean;
  /** further mounts, each SOURCE:DESTINATION */
  mounts: string[];
}

const scriptsDir = '/mnt/host/source/src/scripts';

/**
 * Appends the line that removes a container to the file of clean-up commands that the caller runs at the end, whatever
 * happens.
 * @param file path of a shell script, made when it is missing
 */
export async function addCleanup(file: string, { engine, name }: Pick<SdkContainer, 'engine' | 'name'>): Promise<void> {
  await fs.appendFile(file, `${engine.command.map(quoteWord).join(' ')} container rm -f ${quoteWord(name)}\n`);
}

/** @returns the engine's status text, for example "Up 3 minutes", or '' when there is no such container */
async function getStatus({ engine, name }: SdkContainer): Promise<string> {
  const filter = `name=^/?${name.replaceAll('.', '\\.')}$`;
  const format = '{{.Status}}';
  const listed = await $({ quiet: true })`${engine.command} ps --all --no-trunc --filter ${filter} --format ${format}`;
  return listed.stdout.trim();
}

/** Makes sure that the image is there. Names without a registry are our own: no registry can have them. */
async function requireImage({ engine, image }: SdkContainer): Promise<void> {
  const quiet = $({ quiet: true, nothrow: true });
  if ((await quiet`${engine.command} image inspect ${image}`).exitCode === 0) return;
  const pull = image.includes('/') ? await quiet`${engine.command} pull ${image}` : undefined;
  if (pull?.exitCode === 0) return;
  const reason = pull ? `, and pulling it failed: ${pull.stderr.trim().split('\n').at(-1)}` : '';
  throw new Fault(
    `image ${image} is not on this machine${reason}`,
    'fetch it from the artifact cache (Slipway does that before it calls this), or make it with build_sdk_container_image',
  );
}

async function createContainer(container: SdkContainer): Promise<void> {
  const { engine, image, name, tty, mounts } = container;
  await requireImage(container);
  const buildDir = path.join(treeDir, '__build__/images');
  await fs.mkdir(buildDir, { recursive: true });
  const options = [
    ...(tty ? ['-t'] : []),
    '-i',
    '--network=host',
    `--name=${name}`,
    `--hostname=${name
      .replaceAll('.', '_')
      .slice(0, 63)
      .replace(/[-_]+$/, '')}`,
    `--workdir=${scriptsDir}`,
    ...['-v', `${buildDir}:/mnt/host/source/src/build`],
    ...['-v', `${treeDir}:${scriptsDir}`],
    ...(await assembleKeyMounts(process.env)),
    ...mounts.flatMap((mount) => ['-v', mount]),
    '--entrypoint=',
  ];
  await runWhole(() => $({ quiet: true })`${engine.command} create ${options} ${image} /bin/bash -l`);
}

/**
 * Creates the container unless it exists, and starts it unless it is up.
 * @returns whether it was started: who finds it up shares it with somebody else, and leaves stopping it to them
 */
export async function startContainer(container: SdkContainer): Promise<boolean> {
  const status = await getStatus(container);
  if (status.startsWith('Up')) return false;
  if (status === '') {
    await createContainer(container).catch(async (error: unknown) => {
      // Somebody else may have made it in the meantime.
      if ((await getStatus(container)) === '') throw error;
    });
  }
  await runWhole(() => $({ quiet: true })`${container.engine.command} start ${container.name}`);
  return true;
}

/** Stops the container at once; with `remove` it is removed, too. Does not fail when it is gone already. */
export async function stopContainer({ engine, name }: SdkContainer, remove: boolean): Promise<void> {
  const quiet = $({ quiet: true, nothrow: true });
  await quiet`${engine.command} stop -t 0 ${name}`;
  if (remove) await quiet`${engine.command} rm -f ${name}`;
}

/**
 * Runs a command in the container, with the caller's standard streams.
 * @param container must be up
 * @param command exact words; no shell looks at them
 * @returns the command's exit status
 */
export async function execInContainer({ engine, name, tty }: SdkContainer, command: string[]): Promise<number> {
  const options = [...(tty ? ['-t'] : []), '-i', ...assembleEnvOptions(process.env)];
  const run = $({ quiet: true, nothrow: true, stdio: 'inherit' });
  const ended = await run`${engine.command} exec ${options} ${name} ${command}`;
  return ended.exitCode ?? 1;
}

/**
 * Gives what root in the container wrote into the checkout to the user who called; nothing to do for root, or where
 * the engine maps root to that user.
 */
export async function returnOwnership({ engine, name }: SdkContainer): Promise<void> {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  if (uid === 0 || engine.name === 'podman') return;
  const change = ['-xdev', '-user', '0', '-exec', 'chown', '-h', `${uid}:${gid}`, '{}', '+'];
  await $({ quiet: true, nothrow: true })`${engine.command} exec ${name} find ${scriptsDir} ${change}`;
}
