const MASK = '***';

/** Secrets shorter than this would mask half of any text. */
const MIN_SECRET_LENGTH = 4;

/** Hides known secrets in a text. */
export type Mask = (text: string) => string;

/**
 * Makes a function that replaces each secret, plain, URL-encoded or base64, by `***`.
 *
 * The last line of defence: errors and events are built without secrets in the first place.
 *
 * @param secrets the values to hide; ones of fewer than 4 characters are left alone
 */
export const createMask = (secrets: readonly string[]): Mask => {
  const forms = secrets
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    .flatMap((secret) => [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')])
    .sort((a, b) => b.length - a.length);
  return (text) => forms.reduce((masked, form) => masked.replaceAll(form, MASK), text);
};
