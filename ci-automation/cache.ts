#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/** What operators do with the artifact cache: list, measure, verify, collect garbage, repair, mirror. Works on BUILDCACHE_SERVER, else on BUILDCACHE_DIR. */
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { StoreSettings } from '../lib/cache/index.ts';
import {
  type CacheTools,
  collectCache,
  listVersions,
  measureUsage,
  mirrorCache,
  parseDuration,
  parseMirrorTarget,
  parseNumber,
  renderGc,
  renderMirror,
  renderRepair,
  renderUsage,
  renderVerify,
  renderVersions,
  repairCache,
  verifyCache,
} from '../lib/cache-tools/index.ts';
import { type Settings, secretsOf } from '../lib/config/index.ts';
import { exitCodeOf, slipwayError } from '../lib/errors/index.ts';
import {
  findSettings,
  type OpenedStore,
  type OwnFlag,
  openLog,
  openStore,
  parseCommandLine,
  reportError,
  type StepIo,
} from '../lib/step/index.ts';
import { processIo } from './run-as-script.ts';

type Line = ReturnType<typeof parseCommandLine>;

const HELP = `cache: looks after the artifact cache (BUILDCACHE_SERVER, or the folder BUILDCACHE_DIR)

Usage: cache.ts [OPTION...] ls [FOLDER]
       cache.ts [OPTION...] du [VERSION]
       cache.ts [OPTION...] verify [VERSION]
       cache.ts [OPTION...] gc
       cache.ts [OPTION...] repair
       cache.ts [OPTION...] mirror TARGET
  ls       print the versions and what each has; FOLDER, such as images/amd64: only what is there
  du       print how much of the disk each version takes: its own files, the layers of its images as they are, what these would take
           alone in the deduplicated store, and what of it no other version has
  verify   read every byte and compare it with its digest, and signatures when TRUSTED_KEYS is set; goes on where an interrupted run ended
    --from-start      do not go on, begin anew
    --deep            also rebuild every layer from its blocks
  gc       delete what no image needs; may run while others publish and read
    --keep-newest N   delete versions, but not the N newest of each line (releases of a channel, nightlies, SDKs of pull requests, others)
    --keep-days D     delete versions, but none that is younger
    --keep VERSION    keep this one, too; may be given several times
    --drop-releases   let the rules count for releases, which otherwise stay for ever
    --grace TIME      how long things stay in the trash, and new ones are left alone: 36h, 2d; default 24h. 0 only when nobody publishes
  repair   rebuild indexes of packs, pointers and lists of newest images; put damaged packs aside
  mirror   copy what is missing to TARGET, a folder or [USER@]HOST:/FOLDER, verified and in an order in which readers never see a part
    --delete          delete there what is not here any more
    --to-url URL      where TARGET is read; default https://HOST
    --to-ssh-port, --to-ssh-key, --to-known-hosts, --to-ca-file   of TARGET; default: BUILDCACHE_SSH_PORT and so on
  --dry-run  gc, repair, mirror: print what would be done, and do nothing
  --json     the result as JSON

Exit codes: 0 done; 1 failed; 2 wrong use or settings; 3 something is damaged or missing, it is named
`;

const FLAGS: readonly (OwnFlag & { readonly of: readonly string[] })[] = [
  { flag: '--from-start', help: '', of: ['verify'] },
  { flag: '--deep', help: '', of: ['verify'] },
  { flag: '--keep-newest', value: 'N', help: '', of: ['gc'] },
  { flag: '--keep-days', value: 'D', help: '', of: ['gc'] },
  { flag: '--keep', value: 'VERSION', repeatable: true, help: '', of: ['gc'] },
  { flag: '--drop-releases', help: '', of: ['gc'] },
  { flag: '--grace', value: 'TIME', help: '', of: ['gc'] },
  { flag: '--dry-run', help: '', of: ['gc', 'repair', 'mirror'] },
  { flag: '--delete', help: '', of: ['mirror'] },
  ...['--to-url', '--to-ssh-port', '--to-ssh-key', '--to-known-hosts', '--to-ca-file'].map((flag) => ({
    flag,
    value: 'VALUE',
    help: '',
    of: ['mirror'],
  })),
];

/** What a command found: for programs, for people, and what of it is damaged. */
interface Outcome {
  readonly value: unknown;
  readonly text: string;
  readonly damaged?: readonly { readonly path: string; readonly problem: string }[];
}

interface Command {
  readonly minWords?: number;
  readonly maxWords: number;
  run(tools: CacheTools, line: Line, opened: OpenedStore, io: StepIo): Promise<Outcome>;
}

const isDryRun = ({ plan, flags }: Line): boolean => plan || flags['--dry-run'] !== undefined;

/** Each cache has its own. */
const journalOf = ({ env }: StepIo, location: string): string => {
  const folder = env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache');
  return join(folder, 'slipway/verify', `${createHash('sha256').update(location).digest('hex').slice(0, 16)}.jsonl`);
};

/** The store that a mirror goes to. */
const targetOf = (text: string, { flags }: Line, settings: Settings, io: StepIo): StoreSettings => {
  const target = parseMirrorTarget(text);
  const file = (flag: string, otherwise: string): string => (flags[flag] ? resolve(io.cwd, flags[flag]) : otherwise);
  if ('dir' in target) return { user: '', pathPrefix: '/', dir: resolve(io.cwd, target.dir) };
  return {
    ...target,
    user: target.user ?? settings.BUILDCACHE_USER,
    sshPort: parseNumber('--to-ssh-port', flags['--to-ssh-port']) ?? (settings.BUILDCACHE_SSH_PORT || undefined),
    sshKey: file('--to-ssh-key', settings.BUILDCACHE_SSH_KEY),
    knownHosts: file('--to-known-hosts', settings.BUILDCACHE_KNOWN_HOSTS),
    caFile: file('--to-ca-file', settings.BUILDCACHE_CA_FILE),
    url: flags['--to-url'] ?? '',
    dir: '',
  };
};

const COMMANDS: Readonly<Record<string, Command>> = {
  ls: {
    maxWords: 1,
    async run(tools, { positionals: [, folder = ''] }) {
      const value = await listVersions(tools, folder.replace(/\/+$/, ''));
      return { value, text: renderVersions(value) };
    },
  },
  du: {
    maxWords: 1,
    async run(tools, { positionals: [, version] }) {
      const value = await measureUsage(tools, version);
      return { value, text: renderUsage(value) };
    },
  },
  verify: {
    maxWords: 1,
    async run(tools, { positionals: [, version], flags }, { verifier }, io) {
      const value = await verifyCache(tools, {
        version,
        // A part has its own story: what of it is fine says nothing of when the whole was looked at.
        journalFile: version === undefined ? journalOf(io, tools.store.location) : undefined,
        fromStart: flags['--from-start'] !== undefined,
        deep: flags['--deep'] !== undefined,
        verifier,
      });
      return { value, text: renderVerify(value), damaged: value.problems };
    },
  },
  gc: {
    maxWords: 0,
    async run(tools, line) {
      const { flags } = line;
      const value = await collectCache(tools, {
        policy: {
          keepNewest: parseNumber('--keep-newest', flags['--keep-newest']),
          keepDays: parseNumber('--keep-days', flags['--keep-days']),
          keepReleases: flags['--drop-releases'] === undefined,
          keep: (flags['--keep'] ?? '').split(',').filter((word) => word !== ''),
        },
        graceMs: parseDuration('--grace', flags['--grace'] ?? '24h'),
        dryRun: isDryRun(line),
      });
      return { value, text: renderGc(value) };
    },
  },
  mirror: {
    minWords: 1,
    maxWords: 1,
    async run(tools, line, opened, io) {
      const [, text = ''] = line.positionals;
      const target = opened.openOther(targetOf(text, line, opened.settings, io));
      const value = await mirrorCache(tools, target, {
        dryRun: isDryRun(line),
        deletes: line.flags['--delete'] !== undefined,
      });
      return { value, text: renderMirror(value), damaged: value.problems };
    },
  },
  repair: {
    maxWords: 0,
    async run(tools, line) {
      const value = await repairCache(tools, { dryRun: isDryRun(line) });
      return { value, text: renderRepair(value), damaged: value.lost };
    },
  },
};

const findCommand = (line: Line): Command => {
  const [name = '', ...words] = line.positionals;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command || words.length > command.maxWords || words.length < (command.minWords ?? 0)) {
    const usage = 'cache ls [FOLDER], du [VERSION], verify [VERSION], gc, repair or mirror TARGET';
    throw slipwayError('ARGUMENTS_WRONG', { step: 'cache', usage, seen: line.positionals });
  }
  for (const { flag, of } of FLAGS) {
    if (line.flags[flag] !== undefined && !of.includes(name)) {
      throw slipwayError('CACHE_TOOL_FLAG_MEANINGLESS', { flag, command: name });
    }
  }
  return command;
};

const main = async (io: StepIo): Promise<number> => {
  let log = openLog(io, io.argv.includes('--json'), []);
  let opened: OpenedStore | undefined;
  try {
    const line = parseCommandLine(io.argv, 'cache', FLAGS);
    if (line.help) {
      io.stdout(HELP);
      return 0;
    }
    const command = findCommand(line);
    const { loaded } = await findSettings(io, line);
    log = openLog(io, line.json, secretsOf(loaded.values));
    for (const warning of loaded.warnings) log.warn(warning);
    opened = await openStore(io, loaded.values, log);
    const { store, localDir, temp, interruption } = opened;
    const tools = { store, localDir, temp, log, signal: interruption.signal };
    const { value, text, damaged = [] } = await command.run(tools, line, opened, io);
    io.stdout(line.json ? `${JSON.stringify(value, undefined, 2)}\n` : text);
    if (damaged.length === 0) return 0;
    const problems = damaged.map(({ path, problem }) => `${path}: ${problem}`);
    throw slipwayError('CACHE_DAMAGED', { location: store.location, problems });
  } catch (error) {
    const seen = opened?.interruption.received() === undefined ? error : opened.interruption.signal.reason;
    reportError(log, seen);
    return exitCodeOf(seen);
  } finally {
    await opened?.close();
  }
};

/** `npm run cache` works in Slipway's folder, but is asked about the folder that it was called in. */
const callersFolder = ({ env, cwd }: StepIo): string =>
  env.npm_lifecycle_event === 'cache' && env.npm_package_name === 'slipway' ? (env.INIT_CWD ?? cwd) : cwd;

if (import.meta.main) {
  const io = await processIo();
  process.exitCode = await main({ ...io, cwd: callersFolder(io) });
}
