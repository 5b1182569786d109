const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", apos: "'" };

const decodeHtml = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39|apos);/g, (all, name: string) => ENTITIES[name] ?? all);

/** The name that a link stands for, if it is one in the folder itself. */
const nameOfLink = (href: string, folderUrl: URL, onlyFolders: boolean): string | undefined => {
  if (!URL.canParse(href, folderUrl.href)) return undefined;
  const target = new URL(href, folderUrl);
  if (target.origin !== folderUrl.origin || !target.pathname.startsWith(folderUrl.pathname)) return undefined;
  const linked = target.pathname.slice(folderUrl.pathname.length);
  const rest = linked.replace(/\/$/, '');
  if (rest === '' || rest.includes('/') || (onlyFolders && rest === linked)) return undefined;
  try {
    const name = decodeURIComponent(rest);
    return name.includes('/') ? undefined : name;
  } catch {
    return undefined;
  }
};

/**
 * Names in the folder listing that a web server made (nginx, Apache and Caddy link each name; links upwards and for sorting
 * do not count).
 *
 * @param folderUrl the listing's own URL, with `/` at the end
 * @param options.onlyFolders leave out links that do not end with `/`
 * @returns sorted, each once
 */
export const parseHtmlIndex = (
  html: string,
  folderUrl: string,
  { onlyFolders = false }: { readonly onlyFolders?: boolean } = {},
): readonly string[] => {
  const base = new URL(folderUrl);
  const names = [...html.matchAll(/<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')/gi)]
    .map((match) => nameOfLink(decodeHtml(match[1] ?? match[2] ?? ''), base, onlyFolders))
    .filter((name) => name !== undefined);
  return [...new Set(names)].sort((a, b) => (a < b ? -1 : 1));
};
