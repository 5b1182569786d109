const MASK = '***';

/** Secrets shorter than this would mask half of any text. */
const MIN_SECRET_LENGTH = 4;

/** Hides known secrets in a text. */
export interface Mask {
  (text: string): string;
  /** Hides these, too, from now on. */
  add(secrets: readonly string[]): void;
}

/** `--hetzner-token=VALUE` and the like, as traced by a script: made at run time, such a value is in no list. JSON's `\"` may come before it. */
const TOKEN_ARGUMENT = /(--[\w-]*(?:token|secret|password)[\w-]*[= ](?:\\?["'])?)[^\s"'\\]+/gi;

/** How a secret may look in a text: plain, in JSON, URL-encoded, base64. */
const formsOf = (secret: string): string[] => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64'),
];

/**
 * Makes a function that replaces each secret, plain, URL-encoded or base64, and the value of any `--…token`, `--…secret` or `--…password`
 * argument by `***`.
 *
 * The last line of defence: errors and events are built without secrets in the first place.
 *
 * @param secrets the values to hide; ones of fewer than 4 characters are left alone
 */
export const createMask = (secrets: readonly string[]): Mask => {
  let forms: readonly string[] = [];
  const add = (more: readonly string[]): void => {
    const long = more.filter((secret) => secret.length >= MIN_SECRET_LENGTH);
    forms = [...new Set([...forms, ...long.flatMap(formsOf)])].sort((a, b) => b.length - a.length);
  };
  const mask = (text: string): string =>
    forms.reduce((masked, form) => masked.replaceAll(form, MASK), text).replaceAll(TOKEN_ARGUMENT, `$1${MASK}`);
  add(secrets);
  return Object.assign(mask, { add });
};
