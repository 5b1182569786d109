import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { slipwayError } from '../errors/index.ts';
import { parseAssignments } from './env-file.ts';
import type { ReleaseProfile } from './profile.ts';
import { secretTexts } from './secret-texts.ts';

/** A credential that is configured. */
export interface Credential {
  readonly name: string;
  readonly kind: 'file' | 'text' | 'public';
  /** The file's bytes, or the text. */
  readonly content: Buffer;
}

/** The configured credentials, and which groups are complete. */
export interface Credentials {
  readonly all: ReadonlyMap<string, Credential>;
  /** Names of the credentials of these groups that are not set. */
  missing(groups: readonly string[]): readonly string[];
  /** Of these groups, those that are set. */
  of(groups: readonly string[]): readonly Credential[];
}

/** Where credentials come from. */
export interface CredentialSources {
  /** Absolute path of the OS tree. */
  readonly root: string;
  readonly profile: Pick<ReleaseProfile, 'credentialsFile' | 'credentials'>;
  /** For what the file does not have. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** Learns what must not be printed. */
  readonly hide: (secrets: readonly string[]) => void;
}

const readIfThere = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw slipwayError('RELEASE_CREDENTIALS_UNREADABLE', { file, reason: (error as Error).message }, error);
  }
};

const decode = (name: string, from: string, text: string): Buffer => {
  const packed = text.replaceAll(/\s/g, '');
  if (packed.length % 4 === 1 || !/^[A-Za-z0-9+/]+={0,2}$/.test(packed)) {
    throw slipwayError('RELEASE_CREDENTIAL_INVALID', { name, from });
  }
  return Buffer.from(packed, 'base64');
};

/**
 * Reads the credentials of a release from the tree's file and, for what is not there, from the settings. The file is read as data.
 *
 * @param groups which are looked at; the others count as not set
 * @throws RELEASE_CREDENTIALS_UNREADABLE, RELEASE_CREDENTIAL_NOT_DATA, RELEASE_CREDENTIAL_INVALID, RELEASE_CREDENTIALS_PARTIAL
 */
export const readCredentials = async (
  { root, profile, settings, hide }: CredentialSources,
  groups: readonly string[],
): Promise<Credentials> => {
  const file = profile.credentialsFile;
  const { values, unreadable } = parseAssignments(await readIfThere(join(root, file)));
  const all = new Map<string, Credential>();
  for (const group of groups) {
    for (const [name, kind] of Object.entries(profile.credentials[group] ?? {})) {
      const line = unreadable.get(name);
      if (line !== undefined) throw slipwayError('RELEASE_CREDENTIAL_NOT_DATA', { name, file, line });
      const inFile = values.get(name);
      const text = inFile || String(settings[name] ?? '');
      if (text.trim() === '') continue;
      const content = kind === 'file' ? decode(name, inFile ? file : 'the settings', text) : Buffer.from(text);
      if (kind !== 'public') hide([text, ...secretTexts(content.toString('utf8'))]);
      all.set(name, { name, kind, content });
    }
  }
  const namesOf = (group: string): string[] => Object.keys(profile.credentials[group] ?? {});
  const missing = (wanted: readonly string[]): string[] => wanted.flatMap(namesOf).filter((name) => !all.has(name));
  const partial = groups.filter((group) => ![0, namesOf(group).length].includes(missing([group]).length));
  if (partial.length > 0) {
    const names = partial.flatMap(namesOf);
    throw slipwayError('RELEASE_CREDENTIALS_PARTIAL', {
      set: names.filter((name) => all.has(name)),
      missing: missing(partial),
      file,
    });
  }
  return {
    all,
    missing,
    of: (wanted) => wanted.flatMap(namesOf).flatMap((name) => all.get(name) ?? []),
  };
};
