import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../process/index.ts';
import { makeOwnName } from '../process/process-identity.ts';
import type { Release, ReleaseContext } from './types.ts';

/** How to call the engine, and with which environment. */
interface EngineCall {
  readonly command: Command;
  readonly env: Readonly<Record<string, string>>;
}

/** The engine with a place of its own for what a login leaves; with sudo the environment has to be set on the other side. */
const withLoginFolder = ({ name, command }: ReleaseContext['engine'], folder: string): EngineCall => {
  const env: Record<string, string> =
    name === 'podman' ? { REGISTRY_AUTH_FILE: join(folder, 'auth.json') } : { DOCKER_CONFIG: folder };
  const [program, ...rest] = command;
  if (program !== 'sudo') return { command, env };
  const settings = Object.entries(env).map(([key, value]) => `${key}=${value}`);
  return { command: [program, ...rest.slice(0, -1), 'env', ...settings, ...rest.slice(-1)], env: {} };
};

/** Lends a folder for a login; it is removed whatever happens, and the user's own logins are left alone. */
const withLogin = async (
  context: ReleaseContext,
  login: { host: string; user: string; password: string },
  work: (call: EngineCall) => Promise<void>,
): Promise<void> => {
  const folder = join(context.temp, `login-${makeOwnName()}`);
  const free = context.cleanup.add('the login at the registry', () => rm(folder, { recursive: true, force: true }));
  try {
    if (!context.plan) await mkdir(folder, { mode: 0o700 });
    const call = withLoginFolder(context.engine, folder);
    const words = ['login', login.host, '-u', login.user, '--password-stdin'];
    await context.effects.run([...call.command, ...words], { env: call.env, input: login.password });
    await work(call);
  } finally {
    await free();
  }
};

/**
 * Pushes the SDK images to the registry: each from this machine or the registry if it is the published one, else from the cache, verified. Pushing
 * what is there already changes nothing.
 *
 * Throws `COMMAND_FAILED` and the errors of {@link ReleaseContext.containers}.
 */
export const pushSdkImages = async (context: ReleaseContext, release: Release): Promise<void> => {
  const { engine, containers, registry } = context;
  const { profile, facts, sdkImages, credentials } = release;
  const textOf = (name: string): string => credentials.all.get(name)?.content.toString('utf8') ?? '';
  const login = {
    host: registry.split('/')[0] ?? '',
    user: textOf(profile.registry.user),
    password: textOf(profile.registry.password),
  };
  await withLogin(context, login, async ({ command, env }) => {
    for (const name of sdkImages) {
      const target = `${registry}/${name}:${facts.sdkVersionTag}`;
      const { reference, fetched } = await containers.ensure({ name, version: facts.sdkVersionTag, registry });
      context.inputs.push(...fetched);
      if (reference !== target) await engine.tag(reference, target);
      await context.effects.run([...command, 'push', target], { env });
    }
  });
};
