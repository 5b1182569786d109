import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { ParsedKey, utils } from 'ssh2';
import { slipwayError } from '../../errors/index.ts';

/** What to log in with. */
export interface LoginSettings {
  /** Absolute path of a private key; undefined: the agent, then the account's usual keys, as ssh does it. */
  readonly sshKey: string | undefined;
  /** Socket of an ssh agent. */
  readonly agentSocket: string | undefined;
}

/** Where ssh looks for keys of its own accord. The account's home, not `HOME`: that is how ssh does it. */
const USUAL_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/** Path of a file in the account's `.ssh` folder. */
export const inSshFolder = (name: string): string => join(userInfo().homedir, '.ssh', name);

/** Whether there is anything to log in with. */
export const isLoginConfigured = ({ sshKey, agentSocket }: LoginSettings): boolean =>
  Boolean(sshKey || agentSocket) || USUAL_KEYS.some((name) => existsSync(inSshFolder(name)));

const readKey = (file: string): Buffer | undefined => {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw slipwayError('CACHE_SSH_KEY_INVALID', { file, reason: `it cannot be read (${code})` }, error);
  }
};

type ParseKey = typeof utils.parseKey;

const parseOrThrow = (file: string, parseKey: ParseKey): ParsedKey => {
  const text = readKey(file);
  if (!text) throw slipwayError('CACHE_SSH_KEY_INVALID', { file, reason: 'there is no such file' });
  const parsed = parseKey(text);
  if (parsed instanceof Error) throw slipwayError('CACHE_SSH_KEY_INVALID', { file, reason: parsed.message }, parsed);
  const [key] = [parsed].flat();
  if (!key?.isPrivateKey()) throw slipwayError('CACHE_SSH_KEY_INVALID', { file, reason: 'it is a public key' });
  return key;
};

/** One way to log in, for ssh2's `authHandler`. */
export type LoginMethod =
  | { readonly type: 'agent'; readonly username: string; readonly agent: string }
  | { readonly type: 'publickey'; readonly username: string; readonly key: ParsedKey };

/** Ways to log in, in order, and words for them. */
export interface Login {
  readonly methods: readonly LoginMethod[];
  readonly description: string;
}

/**
 * Finds out what there is to log in with. A key that is configured is the only one that is tried.
 *
 * Throws `CACHE_SSH_KEY_INVALID`.
 */
export const findLogin = ({ sshKey, agentSocket }: LoginSettings, username: string, parseKey: ParseKey): Login => {
  if (sshKey) {
    const key = parseOrThrow(sshKey, parseKey);
    return { methods: [{ type: 'publickey', username, key }], description: `the key ${sshKey}` };
  }
  const usual = USUAL_KEYS.map(inSshFolder).flatMap((file) => {
    const text = readKey(file);
    const parsed = text && parseKey(text);
    // A key with a passphrase is for the agent.
    if (!parsed || parsed instanceof Error) return [];
    const [key] = [parsed].flat();
    return key ? [{ file, method: { type: 'publickey', username, key } as const }] : [];
  });
  const agent = agentSocket ? [{ type: 'agent', username, agent: agentSocket } as const] : [];
  const words = [...(agentSocket ? ['the ssh agent'] : []), ...usual.map(({ file }) => `the key ${file}`)];
  return {
    methods: [...agent, ...usual.map(({ method }) => method)],
    description: words.join(', ') || 'nothing: no BUILDCACHE_SSH_KEY, no ssh agent, no key in ~/.ssh',
  };
};
