/** Longest image tag that container registries and engines take. */
const MAX_DOCKER_FORM = 128;

const shown = (character: string): string =>
  /[!-~]/.test(character) && character.length === 1
    ? `'${character}'`
    : ({ '\n': 'a line break', '\r': 'a carriage return', ' ': 'a space', '\t': 'a tab' }[character] ??
      `the character U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}`);

/**
 * Why `suffix` cannot follow the three numbers of a version, or undefined when it can.
 *
 * The suffix becomes part of a git tag, of paths, of image tags and of a file that shells read, so it may hold nothing that means
 * something in one of them. Every tag ever published for Flatcar keeps to these characters.
 */
export const whyBadSuffix = (suffix: string): string | undefined => {
  const bad = /[^0-9A-Za-z._-]/u.exec(suffix)?.[0];
  if (bad !== undefined) return `its suffix has ${shown(bad)}; only 0-9 A-Z a-z . _ - are allowed`;
  if (suffix.includes('..')) return "its suffix has '..', which git refuses and paths give a meaning";
  if (suffix.startsWith('.') || suffix.endsWith('.')) return "its suffix begins or ends with '.'";
  if (suffix.endsWith('.lock')) return "it ends with '.lock', which git refuses";
  return undefined;
};

/** Why the version is too long for an image tag, or undefined. @param dockerForm numbers and suffix */
export const whyTooLong = (dockerForm: string): string | undefined =>
  dockerForm.length > MAX_DOCKER_FORM
    ? `it has ${dockerForm.length} characters after the channel; image tags have at most ${MAX_DOCKER_FORM}`
    : undefined;
