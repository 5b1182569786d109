import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SshSettings } from '../ssh/connection.ts';

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
 * The ssh configuration for transfers. Nothing of the user's own configuration is read; paths are those of links in the outbox.
 */
export const formatSshConfig = (
  settings: SshSettings,
  files: { readonly key?: string; readonly knownHosts: string },
): string =>
  [
    `Host ${SSH_ALIAS}`,
    `HostName ${settings.host}`,
    `Port ${settings.port}`,
    `User ${settings.user}`,
    ...(files.key ? [`IdentityFile ${files.key}`, 'IdentitiesOnly yes', 'IdentityAgent none'] : []),
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
    const key = settings.sshKey ? join(root, 'key') : undefined;
    if (key && settings.sshKey) await symlink(settings.sshKey, key);
    const knownHosts = settings.knownHosts.map((_file, at) => join(root, `known_hosts.${at}`));
    for (const [at, file] of settings.knownHosts.entries()) await symlink(file, knownHosts[at] ?? '');
    const sshConfig = join(root, 'ssh_config');
    await writeFile(sshConfig, formatSshConfig(settings, { key, knownHosts: knownHosts.join(' ') }), { mode: 0o600 });
    return { files: join(root, 'files'), sshConfig, remove };
  } catch (error) {
    await remove();
    throw error;
  }
};
