import { describe, expect, test } from '@jest/globals';
import { SlipwayError } from '../../../lib/errors/index.ts';
import { formatEnvelope, PAYLOAD_TYPE, pae, parseEnvelope } from '../../../lib/provenance/dsse.ts';
import { fc } from '../../helpers/fast-check.ts';

const PATH = 'provenance/1.0.0/image-amd64.0123456789abcdef.intoto.json';

describe('the bytes that are signed', () => {
  test('are those of the example in the standard', () => {
    const encoded = pae('http://example.com/HelloWorld', Buffer.from('hello world'));
    expect(encoded.toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  });

  test('count bytes and not characters', () => {
    expect(pae('é', Buffer.from('€')).toString()).toBe('DSSEv1 2 é 3 €');
  });

  test('are different for every pair of type and payload', () => {
    expect(pae('a 1 b', Buffer.from('')).equals(pae('a', Buffer.from('b 0 ')))).toBe(false);
  });
});

describe('an envelope', () => {
  test('is read as it was written', async () => {
    await fc.assert(
      fc.property(fc.uint8Array(), fc.array(fc.uint8Array(), { maxLength: 3 }), (bytes, sigs) => {
        const signatures = sigs.map((sig, at) => ({ keyid: `key ${at}`, sig: Buffer.from(sig) }));
        const envelope = { payloadType: PAYLOAD_TYPE, payload: Buffer.from(bytes), signatures };
        expect(parseEnvelope(formatEnvelope(envelope), PATH)).toEqual(envelope);
      }),
    );
  });

  test('may be in the other alphabet of base64, without keyid and with fields of later versions', () => {
    const text = JSON.stringify({ payloadType: PAYLOAD_TYPE, payload: '-_-_', signatures: [{ sig: '+/8=' }], more: 1 });
    expect(parseEnvelope(text, PATH)).toEqual({
      payloadType: PAYLOAD_TYPE,
      payload: Buffer.from('+/+/', 'base64'),
      signatures: [{ keyid: '', sig: Buffer.from('+/8=', 'base64') }],
    });
  });

  const fine = { payloadType: PAYLOAD_TYPE, payload: 'e30=', signatures: [] };

  test.each([
    ['nothing', '', 'it is not JSON'],
    ['a page', '<html>', 'it is not JSON'],
    ['no object', '[]', 'Expected'],
    ['another type of payload', JSON.stringify({ ...fine, payloadType: 'text/plain' }), 'text/plain'],
    ['a payload that is not base64', JSON.stringify({ ...fine, payload: 'e30=\n!' }), 'payload: Expected base64'],
    ['no list of signatures', JSON.stringify({ ...fine, signatures: undefined }), 'signatures'],
    ['too many signatures', JSON.stringify({ ...fine, signatures: Array(17).fill({ sig: '' }) }), 'signatures'],
  ])('with %s is refused', (_, text, reason) => {
    expect(() => parseEnvelope(text, PATH)).toThrow(reason);
    expect(() => parseEnvelope(text, PATH)).toThrow(PATH);
  });

  test('that is anything else is refused, and nothing worse happens', async () => {
    await fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          parseEnvelope(text, PATH);
        } catch (error) {
          expect(error).toBeInstanceOf(SlipwayError);
        }
      }),
    );
  });
});
