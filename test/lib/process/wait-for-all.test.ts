import { expect, test } from '@jest/globals';
import { waitForAll } from '../../../lib/process/index.ts';

test('gives the results in order', async () => {
  const [text, number] = await waitForAll([Promise.resolve('a'), Promise.resolve(1)]);
  expect([text, number]).toEqual(['a', 1]);
});

test('throws the first error, in the order of the promises, when all have ended', async () => {
  const ended: string[] = [];
  const slow = new Promise<void>((resolve) => setTimeout(resolve, 20)).then(() => {
    ended.push('slow');
  });
  const failing = [Promise.reject(new Error('one')), slow, Promise.reject(new Error('two'))];
  await expect(waitForAll(failing)).rejects.toThrow('one');
  expect(ended).toEqual(['slow']);
});
