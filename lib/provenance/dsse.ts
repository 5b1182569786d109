import * as v from 'valibot';
import { slipwayError } from '../errors/index.ts';

/** What an envelope of ours holds. */
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** More signatures than this nobody makes by accident, and each costs a run of gpg. */
const MAX_SIGNATURES = 16;

/** A DSSE envelope (https://github.com/secure-systems-lab/dsse, envelope.md), decoded. */
export interface Envelope {
  readonly payloadType: string;
  readonly payload: Buffer;
  /** `keyid` is only a hint on whose key it is; nothing vouches for it. */
  readonly signatures: readonly { readonly keyid: string; readonly sig: Buffer }[];
}

/**
 * The bytes that are signed: DSSE's pre-authentication encoding (protocol.md there). Lengths are in bytes.
 *
 * @example pae('http://example.com/HelloWorld', Buffer.from('hello world')) // DSSEv1 29 http://example.com/HelloWorld 11 hello world
 */
export const pae = (payloadType: string, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `), payload]);

/** The text of an envelope, with a line end. */
export const formatEnvelope = ({ payloadType, payload, signatures }: Envelope): string =>
  `${JSON.stringify({
    payloadType,
    payload: payload.toString('base64'),
    signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig: sig.toString('base64') })),
  })}\n`;

/** The standard takes both alphabets of base64; anything else in between is refused, where Buffer would pass over it. */
const base64 = v.pipe(
  v.string(),
  v.regex(/^[\w+/-]*={0,2}$/, 'Expected base64'),
  v.transform((text) => Buffer.from(text, 'base64')),
);

/** Fields that we do not know are passed over, as the standard asks. */
const envelopeSchema = v.object({
  payloadType: v.string(),
  payload: base64,
  signatures: v.pipe(
    v.array(v.object({ keyid: v.optional(v.string(), ''), sig: base64 })),
    v.maxLength(MAX_SIGNATURES),
  ),
});

/** One line on the first thing that is wrong. */
export const issueText = (issues: readonly v.BaseIssue<unknown>[]): string => {
  const [issue] = issues;
  const where = issue?.path?.map(({ key }) => String(key)).join('.');
  return `${where ? `${where}: ` : ''}${issue?.message ?? 'it has another form'}`;
};

/**
 * Reads JSON and checks its form.
 *
 * @param path where the text is from, for the error
 * @throws PROVENANCE_INVALID
 */
export const parseJson = <Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
  path: string,
): v.InferOutput<Schema> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw slipwayError('PROVENANCE_INVALID', { path, reason: 'it is not JSON' }, error);
  }
  const parsed = v.safeParse(schema, value);
  if (!parsed.success) throw slipwayError('PROVENANCE_INVALID', { path, reason: issueText(parsed.issues) });
  return parsed.output;
};

/** Reads an envelope that holds a statement. @throws PROVENANCE_INVALID */
export const parseEnvelope = (text: string, path: string): Envelope => {
  const envelope = parseJson(envelopeSchema, text, path);
  if (envelope.payloadType === PAYLOAD_TYPE) return envelope;
  const reason = `its payloadType is ${JSON.stringify(envelope.payloadType.slice(0, 100))}, not ${PAYLOAD_TYPE}`;
  throw slipwayError('PROVENANCE_INVALID', { path, reason });
};
