import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createLog } from '../../lib/log/index.ts';
import type { TaggingRules, TagRequest, TagTools } from '../../lib/tag/index.ts';
import { parseVersion } from '../../lib/version/index.ts';
import { makeOriginTemplate, type OriginTemplate, type TestClone } from './git-clone.ts';

const common = {
  nightlyWord: 'nightly',
  versionFile: { path: 'sdk_container/.repo/manifests/version.txt', prefix: 'FLATCAR_' },
  author: { name: 'flatcar-ci', email: 'infra+ci@flatcar-linux.org' },
  uncommitted: 'refuse',
  sourceFolders: ['packages'],
} as const;

/** Flatcar's rules for SDK tags. */
export const sdkRules: TaggingRules = {
  ...common,
  nightlyChannels: ['main'],
  intermediate: true,
  previousTag: { channels: ['main'], sameMajor: false, releases: false },
  branch: 'main',
  sdkVersion: 'follows',
  unchangedWhenCached: [
    'containers/${sdkVersionTag}/flatcar-sdk-all-${sdkVersionTag}.tar.zst',
    'images/amd64/${version}/flatcar_production_image.bin.bz2',
    'images/arm64/${version}/flatcar_production_image.bin.bz2',
  ],
};

/** Flatcar's rules for packages tags. */
export const packagesRules: TaggingRules = {
  ...common,
  nightlyChannels: ['stable', 'alpha', 'beta', 'lts'],
  intermediate: false,
  previousTag: { channels: ['stable', 'alpha', 'beta', 'lts'], sameMajor: true, releases: true },
  branch: 'flatcar-${major}',
  sdkVersion: 'kept',
  unchangedWhenCached: [
    'images/amd64/${version}/flatcar_production_image.bin.bz2',
    'images/arm64/${version}/flatcar_production_image.bin.bz2',
  ],
  skipFlag: 'skip-build',
};

/** The path of the version file in the test tree. */
export const VERSION_FILE = common.versionFile.path;

/** A version file of Flatcar. @param os and @param sdk three numbers and perhaps a build id */
export const versionText = (os: string, sdk: string): string => {
  const [id = '', build = ''] = os.split('+');
  return `FLATCAR_VERSION=${os}\nFLATCAR_VERSION_ID=${id}\nFLATCAR_BUILD_ID="${build}"\nFLATCAR_SDK_VERSION=${sdk}\n`;
};

/** An origin with a small tree, whose branches are `main` and `flatcar-4500`. */
export const makeTreeTemplate = (): Promise<OriginTemplate> =>
  makeOriginTemplate(
    {
      'packages/one': 'recipe\n',
      'other/readme': 'text\n',
      '.gitignore': '/ignored\n',
      [VERSION_FILE]: versionText('4500.0.0', '4499.0.0'),
    },
    ['flatcar-4500'],
  );

/** A request for `version` with everything else at its default. */
export const requestFor = (version: string, rules: TaggingRules, more: Partial<TagRequest> = {}): TagRequest => ({
  version: parseVersion(version),
  rules,
  sign: false,
  avoidShortcuts: false,
  ...more,
});

/** Tools on a real clone; the cache answers with `cached`, and what it was asked is kept. */
export const toolsFor = (clone: TestClone, cached = false): TagTools & { asked: string[]; lines: string[] } => {
  const asked: string[] = [];
  const lines: string[] = [];
  return {
    asked,
    lines,
    git: clone.git,
    files: {
      write: (path, text) => clone.write(path, text),
      remove: (path) => rm(join(clone.folder, path), { force: true }),
    },
    hasAll: async (paths) => {
      asked.push(...paths);
      return cached;
    },
    log: createLog((event) => (event.kind === 'info' || event.kind === 'warning') && lines.push(event.text)),
  };
};
