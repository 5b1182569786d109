import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SshSettings } from '../ssh/settings.ts';

/** A file to send and its name in the staging folder. */
export interface OutboxFile {
  readonly file: string;
  readonly key: string;
}

/** A temporary folder with all that rsync and ssh need, under names without any odd character. */
export interface Outbox {
  /** Folder with a link to each file. */
  readonly files: string;
  readonly sshConfig: string;
  remove(): Promise<void>;
}

/** Host name in the configuration that is written. */
export const SSH_ALIAS = 'cache';

/**
 * The ssh configuration for transfers: what {@link SshSettings} says, and nothing else is read. Paths are those of links in the
 * outbox.
 *
 * @param files.keys the one configured key, or those that ssh would use
 */
export const formatSshConfig = (
  settings: SshSettings,
  files: { readonly keys: readonly string[]; readonly knownHosts: string },
): string =>
  [
    `Host ${SSH_ALIAS}`,
    `HostName ${settings.host}`,
    `Port ${settings.port}`,
    `User ${settings.user}`,
    ...files.keys.map((key) => `IdentityFile ${key}`),
    ...(settings.sshKey || settings.identitiesOnly ? ['IdentitiesOnly yes'] : []),
    ...(settings.sshKey ? ['IdentityAgent none'] : []),
    ...(settings.hostKeyAlias ? [`HostKeyAlias ${settings.hostKeyAlias}`] : []),
    ...(settings.proxyCommand ? [`ProxyCommand ${settings.proxyCommand}`] : []),
    'BatchMode yes',
    'StrictHostKeyChecking yes',
    `UserKnownHostsFile ${files.knownHosts}`,
    'GlobalKnownHostsFile /dev/null',
    'UpdateHostKeys no',
    'ConnectTimeout 20',
    'ServerAliveInterval 5',
    'ServerAliveCountMax 4',
    'ForwardAgent no',
    'ClearAllForwardings yes',
    'ControlPath none',
    'LogLevel ERROR',
    '',
  ].join('\n');

/** A key of the ssh configuration may come with a certificate, or be a public half whose private one the agent has. */
const linkKey = async (file: string, link: string, withOthers: boolean): Promise<void> => {
  await symlink(file, link);
  for (const ending of withOthers ? ['.pub', '-cert.pub'] : []) {
    if (existsSync(`${file}${ending}`)) await symlink(`${file}${ending}`, `${link}${ending}`);
  }
};

/** rsync splits the remote shell's command at spaces, ssh its configuration at spaces, quotes and percent signs. */
const isPlain = (path: string): boolean => /^[\w./-]+$/.test(path);

/**
 * Links the files of a set into a new temporary folder, one per staging name, and writes the ssh configuration beside them. So
 * one rsync sends the set, each file under its staging name, and no name of an artifact, key or folder is ever on a command line.
 *
 * @param parent absolute path for temporary files; `/tmp` is taken instead when it has characters that need quoting
 */
export const createOutbox = async (
  parent: string,
  files: readonly OutboxFile[],
  settings: SshSettings,
): Promise<Outbox> => {
  const root = await mkdtemp(join(isPlain(parent) ? parent : '/tmp', 'slipway-outbox-'));
  const remove = (): Promise<void> => rm(root, { recursive: true, force: true });
  try {
    await mkdir(join(root, 'files'));
    for (const { file, key } of files) await symlink(file, join(root, 'files', key));
    const sources = settings.sshKey ? [settings.sshKey] : settings.keys;
    const keys = sources.map((_file, at) => join(root, `key.${at}`));
    for (const [at, file] of sources.entries()) await linkKey(file, keys[at] ?? '', settings.sshKey === undefined);
    const knownHosts = settings.knownHosts.map((_file, at) => join(root, `known_hosts.${at}`));
    for (const [at, file] of settings.knownHosts.entries()) await symlink(file, knownHosts[at] ?? '');
    const sshConfig = join(root, 'ssh_config');
    await writeFile(sshConfig, formatSshConfig(settings, { keys, knownHosts: knownHosts.join(' ') }), { mode: 0o600 });
    return { files: join(root, 'files'), sshConfig, remove };
  } catch (error) {
    await remove();
    throw error;
  }
};
