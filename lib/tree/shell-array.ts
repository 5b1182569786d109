/** A comment, a word in single quotes, one in double quotes with nothing that a shell would act on, or a bare one. */
const TOKEN = /\s+|#[^\n]*|'([^']*)'|"([^"$`\\]*)"|([\w.+:@%,/&|=~-]+)/y;

/**
 * The items of a shell array that a text sets, read as data.
 *
 * @param name of the array
 * @returns undefined when the text sets no such array, or to more than plain words
 * @example readShellArray("a=( 'one|1' two )", 'a') // ['one|1', 'two']
 */
export const readShellArray = (text: string, name: string): string[] | undefined => {
  const start = new RegExp(`^\\s*${name}=\\(`, 'm').exec(text);
  if (!start) return undefined;
  const items: string[] = [];
  TOKEN.lastIndex = start.index + start[0].length;
  while (text[TOKEN.lastIndex] !== ')') {
    const token = TOKEN.exec(text);
    if (!token) return undefined;
    const [, single, double, bare] = token;
    const item = single ?? double ?? bare;
    if (item !== undefined) items.push(item);
  }
  return items;
};
