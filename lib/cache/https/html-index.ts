const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", apos: "'" };

const decodeHtml = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39|apos);/g, (all, name: string) => ENTITIES[name] ?? all);

/** The name that a link stands for, if it is one in the folder itself. */
const nameOfLink = (href: string, folderUrl: URL): string | undefined => {
  if (!URL.canParse(href, folderUrl.href)) return undefined;
  const target = new URL(href, folderUrl);
  if (target.origin !== folderUrl.origin || !target.pathname.startsWith(folderUrl.pathname)) return undefined;
  const rest = target.pathname.slice(folderUrl.pathname.length).replace(/\/$/, '');
  if (rest === '' || rest.includes('/')) return undefined;
  try {
    return decodeURIComponent(rest);
  } catch {
    return undefined;
  }
};

/**
 * Names in the folder listing that a web server made (nginx, Apache and Caddy link each name; links upwards and for sorting
 * do not count).
 *
 * @param folderUrl the listing's own URL, with `/` at the end
 * @returns sorted, each once
 */
export const parseHtmlIndex = (html: string, folderUrl: string): readonly string[] => {
  const base = new URL(folderUrl);
  const names = [...html.matchAll(/<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')/gi)]
    .map((match) => nameOfLink(decodeHtml(match[1] ?? match[2] ?? ''), base))
    .filter((name) => name !== undefined);
  return [...new Set(names)].sort((a, b) => (a < b ? -1 : 1));
};
