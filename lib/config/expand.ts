type LookUp = (name: string) => string | undefined;

const BRACED = /^\$\{([A-Za-z_]\w*)(?:(:?[-+])|(?=\}))/;
const PLAIN = /^\$([A-Za-z_]\w*)/;

interface Place {
  readonly text: string;
  at: number;
}

const choose = (value: string | undefined, operator: string | undefined, word: string): string => {
  const given = value !== undefined && !(operator?.startsWith(':') && value === '');
  if (operator?.endsWith('+')) return given ? word : '';
  return given ? value : word;
};

const expandOne = (place: Place, lookUp: LookUp): string => {
  const rest = place.text.slice(place.at);
  if (rest.startsWith('\\$')) {
    place.at += 2;
    return '$';
  }
  const braced = BRACED.exec(rest);
  const [whole, name, operator] = braced ?? PLAIN.exec(rest) ?? [];
  if (whole === undefined || name === undefined) {
    place.at += 1;
    return rest[0] ?? '';
  }
  place.at += whole.length;
  if (!braced) return lookUp(name) ?? '';
  const word = expandUntil(place, '}', lookUp);
  place.at += 1;
  return choose(lookUp(name), operator, word);
};

const expandUntil = (place: Place, end: string, lookUp: LookUp): string => {
  let result = '';
  while (place.at < place.text.length && place.text[place.at] !== end) result += expandOne(place, lookUp);
  return result;
};

/**
 * Expands `$NAME`, `${NAME}`, `${NAME:-text}` and `${NAME:+text}`; without the colon an empty value counts as set. `\$` is a dollar sign.
 * What is put in is not expanded again: a value with a dollar sign stays as it is.
 *
 * @example expandReferences('${A:-$B}', (name) => ({ B: 'x$y' })[name]) // 'x$y'
 */
export const expandReferences = (text: string, lookUp: LookUp): string => expandUntil({ text, at: 0 }, '', lookUp);
