import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** Variables that a command in the container sees when the caller has them; nothing else gets in. */
const passed = [
  'SKIFF_MIRROR',
  'SOURCE_DATE_EPOCH',
  'COREOS_OFFICIAL',
  'EMAIL',
  'GIT_AUTHOR_EMAIL',
  'GIT_AUTHOR_NAME',
  'GIT_COMMITTER_EMAIL',
  'GIT_COMMITTER_NAME',
  'GIT_PROXY_COMMAND',
  'GIT_SSH',
  'RSYNC_PROXY',
  'GPG_AGENT_INFO',
  'FORCE_STAGES',
  'SIGNER',
  'SBSIGN_KEY',
  'SBSIGN_CERT',
  'SBSIGN_DB_KEY',
  'SBSIGN_DB_CERT',
  'SHIM_SIGNING_CERTIFICATE',
  'MODULE_SIGNING_KEY_DIR',
  'SYSEXT_SIGNING_KEY_DIR',
  'all_proxy',
  'ftp_proxy',
  'http_proxy',
  'https_proxy',
  'no_proxy',
];

/**
 * Engine options for the environment. Only names are given, the engine takes the values from its own environment: so
 * a value cannot be misread, and secrets do not show up in the process list.
 * @param env the caller's environment
 */
export function assembleEnvOptions(env: NodeJS.ProcessEnv): string[] {
  const named = passed.filter((name) => env[name]).flatMap((name) => ['-e', name]);
  return env.GNUPGHOME ? [...named, '-e', 'GNUPGHOME=/home/sdk/.gnupg'] : named;
}

async function isFolder(folder: string): Promise<boolean> {
  return (await fs.stat(folder).catch(() => undefined))?.isDirectory() ?? false;
}

/**
 * Engine options for the caller's keys: GNUPGHOME where it is set, and the sockets of its gpg-agent.
 * @param env the caller's environment
 */
export async function assembleKeyMounts(env: NodeJS.ProcessEnv): Promise<string[]> {
  if (!env.GNUPGHOME || !(await isFolder(env.GNUPGHOME))) return [];
  const sockets = `/run/user/${os.userInfo().uid}/gnupg`;
  const mounts = ['-v', `${path.resolve(env.GNUPGHOME)}:/home/sdk/.gnupg`];
  return (await isFolder(sockets)) ? [...mounts, '-v', `${sockets}:${sockets}`] : mounts;
}
