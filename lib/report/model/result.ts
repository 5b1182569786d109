import * as v from 'valibot';
import type { ResultModel } from './types.ts';

const artifact = v.object({ path: v.string(), sizeBytes: v.number(), sha256: v.string() });

const schema = v.object({
  commit: v.optional(v.string()),
  inputs: v.array(artifact),
  outputs: v.array(artifact),
  statement: v.optional(v.string()),
});

/** Reads a result file; undefined when it is none. */
export const parseResult = (text: string): ResultModel | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const checked = v.safeParse(schema, value);
  if (!checked.success) return undefined;
  const { commit, inputs, outputs, statement } = checked.output;
  return { commit, inputs, outputs, statement };
};
