import { misuse } from './fault.ts';

/** Command line of run_sdk_container. */
export interface RunOptions {
  tty: boolean;
  osVersion?: string;
  sdkVersion?: string;
  arch: string;
  name?: string;
  remove: boolean;
  cleanupFile?: string;
  image?: string;
  mounts: string[];
  command: string[];
}

export const runUsage = `./run_sdk_container [-t] [-v OSVER] [-V SDKVER] [-a amd64|arm64|all] [-n NAME] [--rm]
         [-x FILE] [-C IMAGE] [-U] [-m SRC:DST]... [--] [CMD...]
  -t       a terminal for CMD                    -n NAME  name of the container
  -v OSVER OS version, for the container's name  --rm     remove the container at the end
  -V SDKVER, -a ARCH  which SDK image            -x FILE  append clean-up commands to FILE
  -C IMAGE any image instead                     -m SRC:DST  a further mount
  -U       accepted for compatibility: the version file is never written
  CMD      exact words, run in the checkout; default: a login shell. The exit status is CMD's.`;

const architectures = ['all', 'amd64', 'arm64'];

/** Options with a value, by flag. */
const setters: Record<string, (options: RunOptions, value: string) => void> = {
  '-v': (options, value) => {
    options.osVersion = value;
  },
  '-V': (options, value) => {
    options.sdkVersion = value;
  },
  '-a': (options, value) => {
    if (!architectures.includes(value)) throw misuse(`unknown arch "${value}"`, `known: ${architectures.join(', ')}`);
    options.arch = value;
  },
  '-n': (options, value) => {
    options.name = value;
  },
  '-x': (options, value) => {
    options.cleanupFile = value;
  },
  '-C': (options, value) => {
    options.image = value;
  },
  '-m': (options, value) => {
    options.mounts.push(value);
  },
};

const switches: Record<string, (options: RunOptions) => void> = {
  '-t': (options) => {
    options.tty = true;
  },
  '--rm': (options) => {
    options.remove = true;
  },
  '-U': () => undefined,
};

/**
 * Parses the command line of run_sdk_container: options end at -- or at the first word that is no option, and all
 * that follows is the command.
 * @param args words after the script
 * @throws Fault with exit status 2 for an unknown option or a missing value
 */
export function parseRunOptions(args: string[]): RunOptions {
  const options: RunOptions = { tty: false, arch: 'all', remove: false, mounts: [], command: [] };
  const rest = [...args];
  while (rest[0]?.startsWith('-')) {
    const flag = rest.shift() ?? '';
    if (flag === '--') break;
    const flip = switches[flag];
    const set = setters[flag];
    const value = set ? rest.shift() : undefined;
    if (flip) flip(options);
    else if (set && value !== undefined) set(options, value);
    else throw misuse(set ? `${flag} needs a value` : `unknown option ${flag}`, `usage: ${runUsage}`);
  }
  options.command = rest;
  return options;
}
