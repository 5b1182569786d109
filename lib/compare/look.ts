import { SlipwayError } from '../errors/index.ts';
import type { Blob } from './blob.ts';
import { formOf } from './form.ts';
import { compareBytes, compareContents, type Leaf } from './leaf.ts';
import { joined } from './node.ts';
import { openThing } from './open/index.ts';
import type { Opened } from './types.ts';
import { NotReadable, type Workshop } from './workshop.ts';

/** What a reader is told when something cannot be looked into. Anything else is a bug, or the end of the comparison. */
const whyNot = (error: unknown, signal: AbortSignal | undefined): string => {
  if (signal?.aborted) throw error;
  if (error instanceof NotReadable) return error.message;
  if (error instanceof SlipwayError) {
    const { program } = error.data as { program?: unknown };
    if (error.code === 'COMMAND_NOT_FOUND') return `${String(program ?? 'the program that reads it')} is not installed`;
    return error.message;
  }
  // Numbers of a damaged file that lead out of it. By name: those of Buffer are not of every realm.
  if (['RangeError', 'SyntaxError'].includes(String((error as { name?: unknown }).name))) return 'it is damaged';
  throw error;
};

/** What a look into something found; `opened` is undefined for what has nothing inside. */
export type Looked = { readonly opened: Opened | undefined } | { readonly why: string };

/** Looks into something; that it is damaged, or that a program is missing, is a finding. */
export const look = async (blob: Blob, shop: Workshop): Promise<Looked> => {
  try {
    return { opened: await openThing(await formOf(blob), blob, shop) };
  } catch (error) {
    return { why: whyNot(error, shop.signal) };
  }
};

/** Where a program is missing or does not answer, bytes have to do. */
export const contentsOrBytes = async (a: Blob, b: Blob, shop: Workshop): Promise<Leaf> => {
  try {
    return await compareContents(a, b, shop);
  } catch (error) {
    const why = whyNot(error, shop.signal);
    const leaf = await compareBytes(a, b, shop.signal);
    return { ...leaf, note: joined(why, leaf.note) };
  }
};
