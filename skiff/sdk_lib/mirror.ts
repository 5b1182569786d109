import fs from 'node:fs/promises';
import path from 'node:path';
import { compareText } from './compare.ts';
import { misuse } from './fault.ts';

/** One archive: where it is, which suite. Component is always main. */
export interface Archive {
  uri: string;
  suite: string;
}

const defaultMirror = 'http://deb.debian.org/debian';

/** @returns archives of a suite on one mirror; the security archive lies beside the main one on Debian's mirrors */
function listArchives(mirror: string, suite: string): Archive[] {
  const uri = mirror.replace(/\/+$/, '');
  return [
    { uri, suite },
    { uri, suite: `${suite}-updates` },
    { uri: `${uri}-security`, suite: `${suite}-security` },
  ];
}

/** Fields of the stanzas of a deb822 .sources file; continuation lines and comments are of no interest here. */
function parseStanzas(text: string): Partial<Record<string, string>>[] {
  return text.split(/\n\s*\n/).map((stanza) => {
    const fields = [...stanza.matchAll(/^([A-Za-z-]+):[ \t]*(.*)$/gm)];
    return Object.fromEntries(fields.map(([, key = '', value = '']) => [key.toLowerCase(), value.trim()]));
  });
}

/**
 * Finds Debian's own archives in deb822 text; other vendors' archives (other keyrings, no component main) are left out.
 * @param text content of a .sources file
 * @param suite for example bookworm
 */
export function parseDeb822(text: string, suite: string): Archive[] {
  const wanted = [suite, `${suite}-updates`, `${suite}-security`];
  return parseStanzas(text)
    .filter((stanza) => /\bdeb\b/.test(stanza.types ?? '') && /\bmain\b/.test(stanza.components ?? ''))
    .filter((stanza) => stanza.enabled !== 'no' && (stanza['signed-by'] ?? 'debian-archive').includes('debian-archive'))
    .flatMap((stanza) => {
      const suites = (stanza.suites ?? '').split(/\s+/).filter((name) => wanted.includes(name));
      return (stanza.uris ?? '').split(/\s+/).flatMap((uri) => suites.map((name) => ({ uri, suite: name })));
    });
}

/**
 * The same for the one-line format of sources.list.
 * @param text content of a .list file
 * @param suite for example bookworm
 */
export function parseOneLine(text: string, suite: string): Archive[] {
  const wanted = [suite, `${suite}-updates`, `${suite}-security`];
  const lines = text.matchAll(/^deb[ \t]+(?:\[([^\]]*)\][ \t]+)?(\S+)[ \t]+(\S+)[ \t]+(.*)$/gm);
  return [...lines]
    .filter(([, options = '']) => !options.includes('signed-by') || options.includes('debian-archive'))
    .filter(([, , , name = '', components = '']) => wanted.includes(name) && /\bmain\b/.test(components))
    .map(([, , uri = '', name = '']) => ({ uri, suite: name }));
}

async function readHostArchives(suite: string): Promise<Archive[]> {
  const folder = '/etc/apt/sources.list.d';
  const names = (await fs.readdir(folder).catch(() => [])).sort(compareText).map((name) => path.join(folder, name));
  const found: Archive[] = [];
  for (const file of ['/etc/apt/sources.list', ...names]) {
    const text = await fs.readFile(file, 'utf8').catch(() => '');
    if (file.endsWith('.sources')) found.push(...parseDeb822(text, suite));
    if (file.endsWith('.list')) found.push(...parseOneLine(text, suite));
  }
  return found;
}

function checkArchive({ uri }: Archive): void {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (!url) throw misuse(`mirror "${uri}" is not a URL`, 'set SKIFF_MIRROR to the base of a Debian mirror');
  if (url.username || url.password) {
    throw misuse(
      `the mirror URL for ${url.host} contains a user or password; it would be published inside the SDK`,
      'put credentials in /etc/apt/auth.conf and use the bare URL',
    );
  }
}

/**
 * Decides where Debian packages come from: SKIFF_MIRROR, else the machine's own apt sources, else deb.debian.org.
 * In an SDK container the machine's sources are those that the SDK was made from.
 * @param suite for example bookworm
 * @returns text of an apt sources.list, binary and source lines
 * @throws Fault for a mirror that is no URL or holds credentials
 */
export async function makeSourcesList(suite: string): Promise<string> {
  const { SKIFF_MIRROR } = process.env;
  const host = SKIFF_MIRROR ? listArchives(SKIFF_MIRROR, suite) : await readHostArchives(suite);
  const archives = host.some((archive) => archive.suite === suite) ? host : listArchives(defaultMirror, suite);
  archives.forEach(checkArchive);
  const lines = new Set(archives.map(({ uri, suite: name }) => `${uri.replace(/\/+$/, '')} ${name} main`));
  return [...lines].flatMap((line) => [`deb ${line}\n`, `deb-src ${line}\n`]).join('');
}
