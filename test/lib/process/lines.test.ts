import { describe, expect, it } from '@jest/globals';
import { splitLines } from '../../../lib/process/lines.ts';
import { fc } from '../../helpers/fast-check.ts';

const split = async (chunks: readonly Buffer[]): Promise<string[]> => {
  const lines: string[] = [];
  const stream = splitLines((line) => lines.push(line));
  for (const chunk of chunks) stream.write(chunk);
  await new Promise<void>((resolve) => stream.end(resolve));
  return lines;
};

describe('splitLines', () => {
  it('does not depend on where the chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.nat(40)), async (words, cuts) => {
        const lines = words.map((word) => word.replaceAll(/[\r\n]/g, ''));
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(bytes.subarray(at));
        expect(await split(chunks)).toEqual(lines);
      }),
    );
  });

  it('ends lines at \\r too, as progress bars do, but \\r\\n is one end', async () => {
    expect(await split([Buffer.from('10%\r20%\r'), Buffer.from('\ndone\r\nrest')])).toEqual([
      '10%',
      '20%',
      'done',
      'rest',
    ]);
  });
});
