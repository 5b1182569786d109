import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import type { TestKey } from './gpg.ts';
import { digestOf } from './temp-files.ts';

/** The time in names of log tarballs: `2026-11-20-0850-44` becomes `TIME`. */
export const withoutTime = (text: string): string => text.replaceAll(/\d{4}-\d\d-\d\d-\d{4}-\d\d(?=\.tar)/g, 'TIME');

/** What `.DIGESTS` of a file has to be, from the file's bytes; section 4.5 of the specification. */
const expectedDigests = (file: string): string =>
  ['md5', 'sha1', 'sha512']
    .map((kind) => `# ${kind.toUpperCase()} HASH\n${digestOf(file, kind)}  ${basename(file)}\n`)
    .join('');

/** Checks a signature with gpgv, against one key. */
const isSigned = (key: TestKey, words: readonly string[]): string => {
  const keyring = `${key.publicKeyFile}.gpg`;
  if (!existsSync(keyring))
    execFileSync('gpg', ['--output', keyring, '--dearmor', key.publicKeyFile], { stdio: 'ignore' });
  const { status } = spawnSync('gpgv', ['--keyring', keyring, ...words], { stdio: 'ignore' });
  return status === 0 ? 'good' : 'BAD';
};

const describeDigests = (file: string): string => {
  const named = file.slice(0, -'.DIGESTS'.length);
  if (statSync(named, { throwIfNoEntry: false }) === undefined) return `digests ${digestOf(file)}`;
  return readFileSync(file, 'utf8') === expectedDigests(named)
    ? 'digests as expected'
    : `other digests:\n${readFileSync(file, 'utf8')}`;
};

const describeClearSigned = (key: TestKey, file: string): string => {
  const text = /\n\n([\s\S]*)-----BEGIN PGP SIGNATURE/.exec(readFileSync(file, 'utf8'))?.[1]?.replaceAll(/^- /gm, '');
  const same = text === readFileSync(file.replace(/\.asc$/, ''), 'utf8') ? 'the same text' : 'OTHER TEXT';
  return `clear-signed, ${isSigned(key, [file])}, ${same}`;
};

const list = (file: string, options: readonly string[]): string =>
  execFileSync('tar', [...options, '--numeric-owner', '-tvf', file], { encoding: 'utf8' })
    .replaceAll(/ \d{4}-\d\d-\d\d \d\d:\d\d /g, ' ')
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' '))
    .filter(Boolean)
    .sort()
    .join('\n');

/** Names and labels of the images in an archive of the engine, and whether the `.id` beside it is that image's. */
const describeImages = (file: string): string => {
  const read = (member: string): string =>
    execFileSync('bash', ['-c', 'zstd -dqc "$1" | tar -xO "$2"', 'bash', file, member], { encoding: 'utf8' });
  const manifest = JSON.parse(read('manifest.json')) as { Config: string; RepoTags: string[]; Layers: string[] }[];
  const ids = manifest.map(({ Config }) => Config.replace(/\.json$/, ''));
  const idFile = file.replace(/\.tar\.zst$/, '.id');
  const id = statSync(idFile, { throwIfNoEntry: false }) ? readFileSync(idFile, 'utf8') : 'NO ID FILE';
  const layers = manifest.map(({ Layers }) => Layers.length).join();
  const tags = manifest.map(({ RepoTags }) => RepoTags.join()).join();
  return `images ${tags}, ${layers} layers, id ${id === `${ids.join('\n')}\n` ? 'matches' : 'DIFFERS'}`;
};

const describeContent = (key: TestKey, file: string): string => {
  if (file.endsWith('.DIGESTS')) return describeDigests(file);
  if (file.endsWith('.DIGESTS.asc')) return describeClearSigned(key, file);
  if (file.endsWith('.sig')) return `signature, ${isSigned(key, [file, file.replace(/\.sig$/, '')])}`;
  if (file.endsWith('.tar.zst')) return describeImages(file);
  if (file.endsWith('.tar.xz')) return `tar of\n${list(file, ['-J'])}`;
  if (file.endsWith('.id')) return /^[0-9a-f]{64}\n$/.test(readFileSync(file, 'utf8')) ? 'an id' : 'NO ID';
  return digestOf(file).slice(0, 16);
};

/** What is at a path: kind, mode, and what counts of the content. Two builds of the same are described alike. */
const describe = (key: TestKey, file: string): string => {
  const stats = lstatSync(file);
  if (stats.isSymbolicLink()) return `link to ${readlinkSync(file)}`;
  const mode = (stats.mode & 0o777).toString(8);
  if (stats.isDirectory()) return `folder ${mode}`;
  return `${mode} ${describeContent(key, file)}`;
};

/** Everything in a cache, by path, sorted; times in names are left out. @param folder absolute path */
export const describeCache = (folder: string, key: TestKey): Record<string, string> => {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) =>
    join(entry.parentPath, entry.name),
  );
  return Object.fromEntries(
    paths.sort().map((path) => [withoutTime(relative(folder, path)), withoutTime(describe(key, path))]),
  );
};
