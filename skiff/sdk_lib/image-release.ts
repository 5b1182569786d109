import type { ImageJob } from './image-job.ts';

/** Text of /usr/lib/os-release. Versions are made of letters, digits and `.+-`, so nothing needs more than quotes. */
export function formatOsRelease({ board, group, version }: Pick<ImageJob, 'board' | 'group' | 'version'>): string {
  const lines = [
    'NAME="Skiff"',
    'ID=skiff',
    'ID_LIKE=debian',
    `VERSION="${version.version}"`,
    `VERSION_ID="${version.versionId}"`,
    `BUILD_ID="${version.buildId}"`,
    `PRETTY_NAME="Skiff ${version.version}"`,
    'IMAGE_ID=skiff',
    `IMAGE_VERSION="${version.version}"`,
    `VARIANT_ID=${group}`,
    'DEFAULT_HOSTNAME=skiff',
    'ANSI_COLOR="0;36"',
    `SKIFF_BOARD="${board}"`,
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * Text of /usr/share/skiff/release: what an updater asks about.
 * @param official set_official was given --official
 */
export function formatRelease({ board, group, version }: ImageJob, official: boolean): string {
  const { version: full, sdkVersion } = version;
  return `BOARD=${board}\nGROUP=${group}\nVERSION=${full}\nSDK_VERSION=${sdkVersion}\nOFFICIAL=${official ? 'yes' : 'no'}\n`;
}
