import { homedir, userInfo } from 'node:os';

/** What ssh itself would use for a host, as far as it matters here: the answer of `ssh -G`. */
export interface SshUserConfig {
  /** Real name or address of the host; what was asked for may be an alias. */
  readonly host: string;
  readonly port: number;
  /** Absolute paths of private keys, in order; most of the usual ones are not there. */
  readonly keys: readonly string[];
  /** Only these keys may be used, although an agent may have more. */
  readonly identitiesOnly: boolean;
  /** Socket of the agent; `none`: no agent; undefined: the one in the environment. */
  readonly agentSocket: string | undefined;
  /** Absolute paths of known_hosts files. */
  readonly knownHosts: readonly string[];
  /** The name under which known_hosts has the host, if it is not its own. */
  readonly hostKeyAlias: string | undefined;
  /** Shell command whose input and output are the connection, with `%h` and `%p`; undefined: a plain connection. */
  readonly proxyCommand: string | undefined;
}

/** The account's home, not `HOME`: that is how ssh does it. */
const accountHome = (): string => userInfo().homedir || homedir();

/** Fills in the tokens of ssh_config(5) that file names have. */
const expandPath = (path: string, tokens: Readonly<Record<string, string>>): string => {
  const home = accountHome();
  const all: Record<string, string> = { ...tokens, '%': '%', d: home, u: userInfo().username };
  return path.replace(/^~(?=\/)/, home).replace(/%([%dhlnpru])/g, (token, letter: string) => all[letter] ?? token);
};

/** Fills in the tokens of a ProxyCommand (ssh_config(5), TOKENS). */
export const expandProxyCommand = (command: string, host: string, port: number, user: string): string => {
  const all: Record<string, string> = { '%': '%', h: host, n: host, p: String(port), r: user };
  return command.replace(/%([%hnpr])/g, (token, letter: string) => all[letter] ?? token);
};

const HOP = /^[\w@.:/[\]-]+$/;

/** ProxyJump as a command that the user's own ssh runs, with the user's settings for the hosts on the way. */
const jumpCommand = (hops: string): string | undefined => {
  const list = hops.split(',').map((hop) => hop.trim());
  if (!list.every((hop) => HOP.test(hop) && !hop.startsWith('-'))) return undefined;
  const last = list.at(-1) ?? '';
  const target = last.startsWith('ssh://') ? last : `ssh://${last}`;
  const before = list.length > 1 ? `-J ${list.slice(0, -1).join(',')} ` : '';
  return `ssh -o BatchMode=yes ${before}-W '[%h]:%p' ${target}`;
};

const unlessNone = (value: string | undefined): string | undefined => (value === 'none' ? undefined : value);

/**
 * Reads the output of `ssh -G`.
 *
 * @param user whom the connection is for
 * @example parseSshConfig('hostname 192.0.2.7\nport 2222\n', 'alias', 'me').port // 2222
 */
export const parseSshConfig = (output: string, asked: string, user: string): SshUserConfig => {
  const values = new Map<string, string[]>();
  for (const line of output.split('\n')) {
    const [, name = '', value = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  const first = (name: string): string | undefined => values.get(name)?.[0];
  const host = first('hostname') ?? asked;
  const port = Number(first('port') ?? 22);
  const tokens = { h: host, n: asked, p: String(port), r: user };
  const paths = (name: string): string[] =>
    (values.get(name) ?? [])
      .flatMap((value) => value.split(' '))
      .filter((path) => path !== 'none')
      .map((path) => expandPath(path, tokens));
  const agent = first('identityagent');
  const jump = unlessNone(first('proxyjump'));
  return {
    host,
    port,
    keys: (values.get('identityfile') ?? []).map((path) => expandPath(path, tokens)),
    identitiesOnly: first('identitiesonly') === 'yes',
    agentSocket: agent === undefined || agent === 'SSH_AUTH_SOCK' ? undefined : expandPath(agent, tokens),
    knownHosts: [...paths('userknownhostsfile'), ...paths('globalknownhostsfile')],
    hostKeyAlias: unlessNone(first('hostkeyalias')),
    proxyCommand: jump === undefined ? unlessNone(first('proxycommand')) : jumpCommand(jump),
  };
};
