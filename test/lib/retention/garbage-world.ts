import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type CacheStore, createStore } from '../../../lib/cache/index.ts';
import { createTagReader } from '../../../lib/git/index.ts';
import { createLog, type LogEvent } from '../../../lib/log/index.ts';
import { createRunner } from '../../../lib/process/index.ts';
import {
  collectGarbage,
  type GarbageSummary,
  type GarbageTools,
  parseGarbageRequest,
  type RetentionProfile,
} from '../../../lib/retention/index.ts';
import { gitTestEnv, type TestClone, type TestOrigin } from '../../helpers/git-clone.ts';

/** Where the version is in the trees of these tests. */
export const VERSION_FILE = 'version.txt';

/** The clock of these tests. */
export const NOW = new Date('2026-11-21T10:00:00Z');

const DAY_MS = 24 * 60 * 60 * 1000;

/** The text of a version file. @param version cache form */
export const versionText = (version: string): string => `FLATCAR_VERSION=${version}\nFLATCAR_SDK_VERSION=4000.0.0\n`;

/** How a tag is made. */
export interface TagOptions {
  /** Age of the commit; default that of the tag. */
  readonly commitDays?: number;
  readonly annotated?: boolean;
  /** Text of the version file; default the tag's version; null: no file. */
  readonly text?: string | null;
  /** Default true. */
  readonly push?: boolean;
}

/** A clone, its origin and a cache in a folder, for collecting. */
export interface GarbageWorld {
  readonly clone: TestClone;
  readonly origin: TestOrigin;
  readonly store: CacheStore;
  /** Makes and pushes a tag of an age in days. */
  tag(name: string, days: number, options?: TagOptions): Promise<void>;
  /** Puts files into the cache. */
  put(...paths: string[]): void;
  /** Everything in the cache, without what the cache keeps for itself. */
  files(): string[];
  has(path: string): boolean;
  readonly events: LogEvent[];
  /** The log as text. */
  said(): string;
  /** Commands that were asked for as effects of the cloud collector. */
  readonly commands: (readonly string[])[];
  /** Runs collectors. @param only names with commas between */
  collect(
    only: string,
    words?: readonly string[],
    more?: Partial<GarbageTools> & { purge?: string },
  ): Promise<GarbageSummary>;
}

/** @param cacheFolder absolute path @param temp absolute path */
export const makeGarbageWorld = async (
  profile: RetentionProfile,
  origin: TestOrigin,
  cacheFolder: string,
  temp: string,
): Promise<GarbageWorld> => {
  const clone = await origin.clone();
  const runner = createRunner({ cwd: '/', env: { PATH: process.env.PATH } });
  const store = createStore({ user: '', pathPrefix: '', sshPort: 22, dir: cacheFolder }, { runner });
  const events: LogEvent[] = [];
  const log = createLog((event) => events.push(event));
  const commands: (readonly string[])[] = [];
  const at = (path: string): string => join(cacheFolder, path);
  let runs = 0;

  const gitAt = (date: Date, ...args: string[]): Promise<unknown> => {
    const stamp = { GIT_COMMITTER_DATE: date.toISOString(), GIT_AUTHOR_DATE: date.toISOString() };
    const who = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org'];
    const env = { ...gitTestEnv(dirname(clone.folder)), ...stamp };
    return runner.run(['git', ...who, ...args], { cwd: clone.folder, env, stdout: 'capture' });
  };

  return {
    clone,
    origin,
    store,
    events,
    commands,
    async tag(name, days, { commitDays = days, annotated = false, text, push = true } = {}) {
      const version = name.replace(/^[a-z]+-/, '').replace(/^([\d.]+)-/, '$1+');
      if (text === null) await clone.run('rm', '--quiet', VERSION_FILE);
      else await clone.write(VERSION_FILE, text ?? versionText(version));
      await clone.run('add', '--all');
      const dated = (age: number): Date => new Date(NOW.getTime() - age * DAY_MS);
      await gitAt(dated(commitDays), 'commit', '--quiet', '--allow-empty', '-m', name);
      await gitAt(dated(days), 'tag', ...(annotated ? ['-m', name] : []), name);
      if (push) await clone.run('push', '--quiet', 'origin', `refs/tags/${name}`);
      await clone.run('reset', '--quiet', '--hard', 'origin/main');
    },
    put(...paths) {
      for (const path of paths) {
        mkdirSync(dirname(at(path)), { recursive: true });
        writeFileSync(at(path), path);
      }
    },
    files: () =>
      readdirSync(cacheFolder, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name).slice(cacheFolder.length + 1))
        .filter((path) => !path.startsWith('.staging'))
        .sort(),
    has: (path) => existsSync(at(path)),
    said: () => events.flatMap((event) => ('text' in event ? [event.text] : [])).join('\n'),
    collect(only, words = [], { purge = '', ...more } = {}) {
      runs += 1;
      const request = parseGarbageRequest({ positionals: words, only, withLogs: false, purgeVersions: purge }, profile);
      const effects = createRunner({ cwd: '/', env: {} });
      return collectGarbage(request, {
        profile,
        versionFile: { path: VERSION_FILE, prefix: 'FLATCAR_' },
        store,
        git: clone.git,
        tags: createTagReader({ git: clone.git, query: clone.runner, objects: join(temp, `objects-${runs}`) }),
        cloud: {
          engine: ['docker'],
          env: {},
          root: clone.folder,
          effects: {
            ...effects,
            run: async (command) => {
              commands.push(command);
              return { exitCode: 0, stdout: '', stderr: '', durationMs: 0 };
            },
          },
        },
        feed: '',
        maxSharePercent: 25,
        yesReally: false,
        now: NOW,
        log,
        signal: new AbortController().signal,
        ...more,
      });
    },
  };
};
