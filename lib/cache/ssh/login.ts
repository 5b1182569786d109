import { readFileSync } from 'node:fs';
import type { BaseAgent, createAgent, ParsedKey, utils } from 'ssh2';
import { slipwayError } from '../../errors/index.ts';
import type { SshSettings } from './settings.ts';

/** Whether there is anything to log in with. */
export const isLoginConfigured = ({ sshKey, agentSocket, keys }: SshSettings): boolean =>
  Boolean(sshKey || agentSocket) || keys.length > 0;

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

/** The parts of ssh2 that are needed; loaded only when a server is used. */
export interface LoginTools {
  readonly parseKey: ParseKey;
  readonly createAgent: typeof createAgent;
}

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
  | { readonly type: 'agent'; readonly username: string; readonly agent: string | BaseAgent }
  | { readonly type: 'publickey'; readonly username: string; readonly key: ParsedKey };

/** Ways to log in, in order, and words for them. */
export interface Login {
  readonly methods: readonly LoginMethod[];
  readonly description: string;
}

const publicPart = (file: string, parseKey: ParseKey): string | undefined => {
  const text = readKey(`${file}.pub`) ?? readKey(file);
  const parsed = text && parseKey(text);
  if (!parsed || parsed instanceof Error) return undefined;
  return [parsed].flat()[0]?.getPublicSSH().toString('base64');
};

/** Asks the agent for the configured keys only. A server that is shown too many others hangs up. */
const onlyKeys = (agent: BaseAgent, wanted: ReadonlySet<string | undefined>): BaseAgent => {
  const { getIdentities } = agent;
  agent.getIdentities = (done) => {
    getIdentities.call(agent, (error, keys) => {
      const isWanted = (key: unknown): boolean => wanted.has((key as ParsedKey).getPublicSSH().toString('base64'));
      done(error as never, keys?.filter(isWanted) as never);
    });
  };
  return agent;
};

/**
 * Finds out what there is to log in with. A key that is configured as ours is the only one that is tried; else the agent comes
 * first, then the keys of the ssh configuration.
 *
 * Throws `CACHE_SSH_KEY_INVALID`.
 */
export const findLogin = (settings: SshSettings, { parseKey, createAgent }: LoginTools): Login => {
  const { sshKey, agentSocket, keys, identitiesOnly, user: username } = settings;
  if (sshKey) {
    const key = parseOrThrow(sshKey, parseKey);
    return { methods: [{ type: 'publickey', username, key }], description: `the key ${sshKey}` };
  }
  const usable = keys.flatMap((file) => {
    const text = readKey(file);
    const parsed = text && parseKey(text);
    // A key with a passphrase is for the agent.
    if (!parsed || parsed instanceof Error) return [];
    const [key] = [parsed].flat();
    return key?.isPrivateKey() ? [{ file, method: { type: 'publickey', username, key } as const }] : [];
  });
  const wanted = new Set(identitiesOnly ? keys.map((file) => publicPart(file, parseKey)) : []);
  const agents = agentSocket
    ? [
        {
          type: 'agent',
          username,
          agent: identitiesOnly ? onlyKeys(createAgent(agentSocket), wanted) : agentSocket,
        } as const,
      ]
    : [];
  const words = [...(agentSocket ? ['the ssh agent'] : []), ...usable.map(({ file }) => `the key ${file}`)];
  return {
    methods: [...agents, ...usable.map(({ method }) => method)],
    description:
      words.join(', ') || 'nothing: no BUILDCACHE_SSH_KEY, no ssh agent, no key that ssh is configured to use',
  };
};
