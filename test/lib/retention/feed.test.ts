import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { silentLog } from '../../../lib/log/index.ts';
import { readFeed } from '../../../lib/retention/feed.ts';
import { useServers } from '../../helpers/close-servers.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { writeFileAt } from '../../helpers/temp-files.ts';

const makeFolder = useTempFolders();
const closeLater = useServers();

/** Serves the answers in turn; the last one again and again. */
const serve = async (...answers: { status: number; text?: string; cut?: boolean }[]): Promise<string> => {
  let count = 0;
  const server = createServer((_, response) => {
    const answer = answers[Math.min(count, answers.length - 1)];
    count += 1;
    response.writeHead(answer?.status ?? 500, answer?.cut ? { 'content-length': '1000' } : {});
    response.write(answer?.text ?? '');
    if (answer?.cut) setImmediate(() => response.destroy());
    else response.end();
  });
  closeLater(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/releases.json`;
};

const read = (feed: string): Promise<string> => readFeed(feed, { log: silentLog, firstDelayMs: 1 });
const refusal = expect.objectContaining({ code: 'RELEASE_FEED_UNUSABLE', kind: 'failure' });

test('the text is read, from a server or a file', async () => {
  await expect(read(await serve({ status: 200, text: '{"1.2.3":{}}' }))).resolves.toBe('{"1.2.3":{}}');
  await expect(read(`file://${writeFileAt(join(makeFolder(), 'feed'), '{}')}`)).resolves.toBe('{}');
});

test('a page that says "not found" is no list', async () => {
  await expect(read(await serve({ status: 404, text: '{"1.2.3":{}}' }))).rejects.toEqual(refusal);
});

test('a passing fault is tried again, a lasting one is told', async () => {
  await expect(read(await serve({ status: 503 }, { status: 200, text: 'x' }))).resolves.toBe('x');
  await expect(read(await serve({ status: 503 }))).rejects.toMatchObject({ message: expect.stringContaining('503') });
});

test('a list that is cut short is no list', async () => {
  await expect(read(await serve({ status: 200, text: '{"1.2.3"', cut: true }))).rejects.toEqual(refusal);
});

test.each(['', 'releases.json', 'ftp://x/y', 'file:///does/not/exist', 'http://127.0.0.1:1/'])(
  '%j is refused',
  async (feed) => {
    await expect(read(feed)).rejects.toEqual(refusal);
  },
);
