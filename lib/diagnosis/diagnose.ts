import { SlipwayError } from '../errors/index.ts';
import { KNOWN_CAUSES, type KnownCause } from './causes.ts';
import { errorChain, evidenceOf } from './evidence.ts';

/** Where a pattern matches last; -1: nowhere. */
const lastMatch = (text: string, pattern: RegExp): number =>
  [...text.matchAll(new RegExp(pattern.source, `${pattern.flags.replace('g', '')}g`))].at(-1)?.index ?? -1;

/** The cause that a text tells of. Programs complain about many things; what they say last is what they died of. */
const causeIn = (text: string): KnownCause | undefined => {
  let best: { readonly known: KnownCause; readonly at: number } | undefined;
  for (const known of KNOWN_CAUSES) {
    const at = lastMatch(text, known.output);
    if (at > (best?.at ?? -1)) best = { known, at };
  }
  return best?.known;
};

/**
 * What probably lies behind an error: by what was printed, in the error itself and those underneath, else by its code.
 *
 * @returns undefined when it is none of the known troubles
 */
export const diagnose = (error: unknown): KnownCause | undefined => {
  for (const text of evidenceOf(error)) {
    const known = causeIn(text);
    if (known) return known;
  }
  const codes = errorChain(error).flatMap((one) => (one instanceof SlipwayError ? [one.code] : []));
  return KNOWN_CAUSES.find((known) => known.codes?.some((code) => codes.includes(code)));
};
