import { run } from '../shell.ts';

/** One archive that this machine's apt is configured with. */
interface ConfiguredArchive {
  readonly uri: string;
  readonly suite: string;
}

const configuredArchives = async (): Promise<ConfiguredArchive[]> => {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const text = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  return text
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , component]) => component === 'main')
    .map(([uri = '', suite = '']) => ({ uri, suite }));
};

/**
 * Text of a sources.list with these suites, from the archives that the machine itself uses.
 *
 * @param suites for example `bookworm`, `bookworm-security`
 * @throws Error that names the suites which this machine is not configured with
 */
export const makeSourcesList = async (suites: readonly string[]): Promise<string> => {
  const archives = await configuredArchives();
  const missing = suites.filter((suite) => !archives.some((archive) => archive.suite === suite));
  if (missing.length > 0) {
    throw new Error(`apt on this machine knows no archive of ${missing.join(', ')} (component main): add it, update.`);
  }
  const lines = archives.filter(({ suite }) => suites.includes(suite)).map(({ uri, suite }) => `${uri} ${suite}`);
  return [...new Set(lines)].map((line) => `deb ${line} main\n`).join('');
};
