import { existsSync } from 'node:fs';
import { isSlipwayError, slipwayError } from '../../errors/index.ts';
import type { Runner } from '../../process/index.ts';
import { parseSshConfig } from './user-config.ts';

/** What Slipway's own settings say of the server's sshd. They win over the ssh configuration. */
export interface GivenSshSettings {
  /** Name, address, or alias in the ssh configuration. */
  readonly host: string;
  readonly port: number | undefined;
  readonly user: string;
  /** Absolute path of the only private key to use. */
  readonly sshKey: string | undefined;
  /** `SSH_AUTH_SOCK`. */
  readonly agentSocket: string | undefined;
  /** Absolute path of the only known_hosts file. */
  readonly knownHosts: string | undefined;
}

/** How to reach the server's sshd. */
export interface SshSettings {
  /** Real name or address. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** The only key that is to be used. */
  readonly sshKey: string | undefined;
  /** Absolute paths of private keys to try when there is no `sshKey`; all exist, or their public halves do. */
  readonly keys: readonly string[];
  /** Only these keys may be used, although the agent may have more. */
  readonly identitiesOnly: boolean;
  readonly agentSocket: string | undefined;
  /** Absolute paths of known_hosts files. */
  readonly knownHosts: readonly string[];
  /** The name under which known_hosts has the host, if it is not its own. */
  readonly hostKeyAlias: string | undefined;
  /** Shell command whose input and output are the connection, with the tokens of ssh_config(5). */
  readonly proxyCommand: string | undefined;
}

const ASK_TIMEOUT_MS = 20_000;

const askSsh = async (runner: Runner, { host, port, user }: GivenSshSettings): Promise<string> => {
  const command = ['ssh', '-G', ...(port ? ['-p', String(port)] : []), '-l', user, '--', host] as const;
  try {
    return (await runner.run(command, { stdout: 'capture', timeoutMs: ASK_TIMEOUT_MS })).stdout;
  } catch (error) {
    if (!isSlipwayError(error, 'COMMAND_FAILED')) throw error;
    const reason = `ssh does not understand its configuration (${String(error.data.lastOutput).trim()})`;
    throw slipwayError('CACHE_SETTING_INVALID', { setting: 'BUILDCACHE_SERVER', value: host, reason }, error);
  }
};

const hasKey = (file: string): boolean => existsSync(file) || existsSync(`${file}.pub`);

/**
 * Adds to the given settings what the account's ssh configuration says of the host, as it does for everybody who calls ssh: real
 * name, port, keys, agent, known hosts, a way through other hosts. What is given wins.
 *
 * @param runner really runs ssh, once: it only prints its configuration
 * Throws `CACHE_SETTING_INVALID` when that is broken.
 */
export const resolveSshSettings = async (runner: Runner, given: GivenSshSettings): Promise<SshSettings> => {
  const config = parseSshConfig(await askSsh(runner, given), given.host, given.user);
  const agent = config.agentSocket ?? given.agentSocket;
  return {
    host: config.host,
    port: given.port ?? config.port,
    user: given.user,
    sshKey: given.sshKey,
    keys: given.sshKey ? [] : config.keys.filter(hasKey),
    identitiesOnly: config.identitiesOnly,
    agentSocket: agent === 'none' ? undefined : agent,
    knownHosts: given.knownHosts ? [given.knownHosts] : config.knownHosts,
    hostKeyAlias: config.hostKeyAlias,
    proxyCommand: config.proxyCommand,
  };
};
