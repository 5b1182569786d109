import { fill } from '../config/index.ts';
import type { VendorScripts } from './description.ts';
import { quoteWord } from './quote-word.ts';

/** What a vendor script is called with. */
export interface CallFacts {
  /** Absolute path of the root of the tree. */
  readonly root: string;
  /** Reference of the image with the test tools. */
  readonly image: string;
  /** Name of the container. */
  readonly container: string;
  readonly vendor: string;
  /** Folder of all tests, from the root. */
  readonly workFolder: string;
  readonly arch: string;
  readonly version: string;
  readonly tapName: string;
  readonly tests: readonly string[];
}

/**
 * The arguments of the container engine for one call of a vendor script: work folder of all tests, its own one, architecture, version,
 * name of the TAP file, tests. None of them can be code.
 */
export const callWords = (scripts: VendorScripts, facts: CallFacts): string[] => {
  const { root, image, container, vendor, workFolder, arch, version, tapName, tests } = facts;
  const words = [workFolder, `${workFolder}/${vendor}`, arch, version, tapName, ...tests];
  const command = fill(scripts.command, {
    script: `${scripts.folder}/${quoteWord(vendor)}.sh`,
    arguments: words.map(quoteWord).join(' '),
  });
  return [
    'run',
    ...['--pull', 'always', '--rm', `--name=${container}`, '--privileged', '--net', 'host'],
    ...['-v', '/dev:/dev', '-w', scripts.mountedAt, '-v', `${root}:${scripts.mountedAt}`],
    image,
    ...['bash', '-c', command],
  ];
};
