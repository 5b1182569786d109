import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** A host key that a known_hosts file lists for a host. */
export interface KnownKey {
  /** For example `ssh-ed25519`. */
  readonly type: string;
  /** The public key, base64. */
  readonly key: string;
  readonly isRevoked: boolean;
}

/** What a known_hosts file says of the key that a host shows. */
export type HostKeyState = 'ok' | 'unknown' | 'changed' | 'revoked';

const DEFAULT_PORT = 22;

/** Name of a host in known_hosts: plain for port 22, else `[host]:port`. */
export const knownHostName = (host: string, port: number): string =>
  port === DEFAULT_PORT ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;

const matchesHash = (pattern: string, name: string): boolean => {
  const [, , salt = '', hash = ''] = pattern.split('|');
  const expected = Buffer.from(hash, 'base64');
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
};

const matchesGlob = (pattern: string, name: string): boolean => {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'i').test(name);
};

/** Whether the host field of a line is about `name`; `!pattern` takes back. */
const matchesHosts = (field: string, name: string): boolean => {
  if (field.startsWith('|1|')) return matchesHash(field, name);
  const patterns = field.split(',');
  const isDenied = patterns.some((one) => one.startsWith('!') && matchesGlob(one.slice(1), name));
  return !isDenied && patterns.some((one) => matchesGlob(one, name));
};

/**
 * Reads the keys of one host from the text of a known_hosts file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): hashed names,
 * patterns, `[host]:port` and `@revoked` are understood. `@cert-authority` lines are passed over: certificates of hosts are
 * not supported.
 *
 * @param name from {@link knownHostName}
 */
export const findKnownKeys = (text: string, name: string): readonly KnownKey[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('@cert-authority'))
    .map((line) => line.split(/\s+/))
    .map((fields) =>
      fields[0] === '@revoked' ? { fields: fields.slice(1), isRevoked: true } : { fields, isRevoked: false },
    )
    .filter(({ fields }) => fields.length >= 3 && matchesHosts(fields[0] ?? '', name))
    .map(({ fields, isRevoked }) => ({ type: fields[1] ?? '', key: fields[2] ?? '', isRevoked }));

/** The keys of a host: those for its port, or, as ssh does it, those without a port when there are none. */
export const findHostKeys = (text: string, host: string, port: number): readonly KnownKey[] => {
  const withPort = findKnownKeys(text, knownHostName(host, port));
  return withPort.some((key) => !key.isRevoked) ? withPort : [...withPort, ...findKnownKeys(text, host.toLowerCase())];
};

/**
 * Judges the key that a host shows.
 *
 * @param known from {@link findHostKeys}
 * @param key the public key as in known_hosts, base64
 */
export const judgeHostKey = (known: readonly KnownKey[], key: string): HostKeyState => {
  if (known.some((one) => one.isRevoked && one.key === key)) return 'revoked';
  const valid = known.filter((one) => !one.isRevoked);
  if (valid.some((one) => one.key === key)) return 'ok';
  return valid.length === 0 ? 'unknown' : 'changed';
};

/** A key's fingerprint as ssh prints it, `SHA256:...`. */
export const fingerprintOf = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** The type that is written at the start of every public key. */
export const keyTypeOf = (key: Buffer): string =>
  key.length < 4 ? '' : key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1');
