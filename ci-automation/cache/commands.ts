import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { StoreSettings } from '../../lib/cache/index.ts';
import {
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
} from '../../lib/cache-tools/index.ts';
import type { Settings } from '../../lib/config/index.ts';
import type { CommandLine, StepIo } from '../../lib/step/index.ts';
import { IMAGE_COMMANDS } from './image-commands.ts';
import { type Command, isDryRun } from './types.ts';

/** Each cache has its own. */
const journalOf = ({ env }: StepIo, location: string): string => {
  const folder = env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache');
  return join(folder, 'slipway/verify', `${createHash('sha256').update(location).digest('hex').slice(0, 16)}.jsonl`);
};

/** The store that a mirror goes to. */
const targetOf = (text: string, { flags }: CommandLine, settings: Settings, io: StepIo): StoreSettings => {
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

/** The commands by their names. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  ...IMAGE_COMMANDS,
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
