/**
 * What a pax header says of the entry after it (pax(1)), by key; the last of two counts. What is no record ends them.
 *
 * @example parsePax(Buffer.from('12 path=abc\n')).get('path') // 'abc'
 */
export const parsePax = (body: Buffer): Map<string, string> => {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    // Of the whole record in bytes, these digits and the line's end too.
    const length = Number(body.toString('latin1', at, space));
    if (space < 0 || !Number.isInteger(length) || length <= 0) break;
    const record = body.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    if (equals > 0) records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
};
