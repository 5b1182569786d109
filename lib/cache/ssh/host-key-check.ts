import { readFileSync } from 'node:fs';
import { type SlipwayError, slipwayError } from '../../errors/index.ts';
import {
  findHostKeys,
  findKnownKeys,
  fingerprintOf,
  judgeHostKey,
  type KnownKey,
  keyTypeOf,
  knownHostName,
} from './known-hosts.ts';

/** Whose host key, and where the known ones are. */
export interface HostKeySettings {
  readonly host: string;
  readonly port: number;
  /** The name under which known_hosts has the host, if it is not its own. */
  readonly hostKeyAlias?: string | undefined;
  /** Absolute paths; the first is the one that messages name. A file that is not there counts as empty. */
  readonly knownHosts: readonly string[];
}

/** Checks the key of one host against known_hosts. */
export interface HostKeyCheck {
  /** Algorithms to offer, those of known keys first: a server with several keys then shows one that we know. */
  readonly algorithms: readonly string[];
  /** @param key the public key as it comes over the wire; @returns undefined when it is known and fine */
  check(key: Buffer): SlipwayError | undefined;
}

const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

const readFiles = (files: readonly string[]): string =>
  files
    .map((file) => {
      try {
        return readFileSync(file, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
        const reason = `the file cannot be read (${(error as NodeJS.ErrnoException).code})`;
        throw slipwayError('CACHE_SETTING_INVALID', { setting: 'BUILDCACHE_KNOWN_HOSTS', value: file, reason }, error);
      }
    })
    .join('\n');

const fingerprintsOf = (known: readonly KnownKey[]): string[] =>
  known.filter((one) => !one.isRevoked).map((one) => `${one.type} ${fingerprintOf(Buffer.from(one.key, 'base64'))}`);

/** Prepares the check; reads the files now. Throws `CACHE_SETTING_INVALID` when one cannot be read. */
export const createHostKeyCheck = ({ host, port, hostKeyAlias, knownHosts }: HostKeySettings): HostKeyCheck => {
  const text = readFiles(knownHosts);
  const known = hostKeyAlias ? findKnownKeys(text, hostKeyAlias.toLowerCase()) : findHostKeys(text, host, port);
  const valid = known.filter((one) => !one.isRevoked);
  const algorithms = [...new Set([...valid.map((one) => one.type), ...Object.keys(ALGORITHMS)])];
  return {
    algorithms: algorithms.flatMap((type) => ALGORITHMS[type] ?? []),
    check(key) {
      const encoded = key.toString('base64');
      const problem = judgeHostKey(known, encoded);
      if (problem === 'ok') return undefined;
      const name = hostKeyAlias ?? knownHostName(host, port);
      return slipwayError('CACHE_HOST_KEY', {
        host,
        port,
        problem,
        keyType: keyTypeOf(key),
        fingerprint: fingerprintOf(key),
        expected: problem === 'changed' ? fingerprintsOf(known) : [],
        knownHosts: knownHosts[0] ?? '',
        keyLine: `${name} ${keyTypeOf(key)} ${encoded}`,
        forgetName: name,
      });
    },
  };
};
