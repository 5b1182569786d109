import { appendFileSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  checkDigests,
  createFileHasher,
  ensureDigestsFile,
  formatDigests,
  hashFile,
  parseDigests,
} from '../../../lib/signing/index.ts';
import { fc } from '../../helpers/fast-check.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { digestOf, noise, ODD_NAMES, writeFileAt } from '../../helpers/temp-files.ts';

const makeFolder = useTempFolders();

/** The worked example of the specification, section 4.5. */
const HELLO = `# MD5 HASH
b1946ac92492d2347c6235b4d2611184  hello.txt
# SHA1 HASH
f572d396fae9206628714fb2ce00f72e94f2258f  hello.txt
# SHA512 HASH
e7c22b994c59d9cf2b48e549b1e24666636045930d3da7c1acb299d1c3b7f931f94aae41edda2c2b207a36e10f8bcb8d45223e54878f5b316e7ce3b6bc019629  hello.txt
`;

describe('hashFile', () => {
  test.each([0, 1, 300_000, 17 * 1024 * 1024])('all digests of %d bytes in one pass', async (size) => {
    const file = writeFileAt(join(makeFolder(), 'data'), noise(size));
    const { digests, sizeBytes } = await hashFile(file, ['md5', 'sha1', 'sha256', 'sha512']);
    expect(sizeBytes).toBe(size);
    for (const [algorithm, hex] of Object.entries(digests)) expect(hex).toBe(digestOf(file, algorithm));
  });

  test('a file that is not there is an error of the file system', async () => {
    await expect(hashFile(join(makeFolder(), 'none'), ['md5'])).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('aborting ends the threads, with the reason', async () => {
    const file = join(makeFolder(), 'sparse');
    writeFileSync(file, '');
    truncateSync(file, 20 * 1024 ** 3);
    const reason = new Error('enough');
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 100);
    await expect(hashFile(file, ['sha512'], { signal: controller.signal })).rejects.toBe(reason);
  });
});

describe('createFileHasher', () => {
  test('reads a file once, under however many names, until it changes', async () => {
    const folder = makeFolder();
    const file = writeFileAt(join(folder, 'f'), 'x');
    symlinkSync('f', join(folder, 'link'));
    const hash = createFileHasher();
    const first = await hash(file, ['sha256']);
    expect(first.digests.sha256).toBe(digestOf(file));
    expect(await hash(join(folder, 'link'), ['sha256'])).toBe(first);
    expect(await hash(file, ['sha512'])).toEqual({ digests: { sha512: digestOf(file, 'sha512') }, sizeBytes: 1 });
    writeFileSync(file, 'other');
    expect((await hash(file, ['sha256'])).digests.sha256).toBe(digestOf(file));
  });
});

describe('.DIGESTS', () => {
  test('is the worked example, byte for byte', async () => {
    const file = writeFileAt(join(makeFolder(), 'hello.txt'), 'hello\n');
    const { digests, sizeBytes } = await ensureDigestsFile(file);
    expect(readFileSync(`${file}.DIGESTS`, 'utf8')).toBe(HELLO);
    expect(sizeBytes).toBe(6);
    expect(digests.sha256).toBe('5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03');
  });

  test.each(ODD_NAMES)('knows a file named %s', async (name) => {
    const file = writeFileAt(join(makeFolder(), name), 'odd');
    await ensureDigestsFile(file);
    const text = readFileSync(`${file}.DIGESTS`, 'utf8');
    expect(text.split('\n')[1]).toBe(`${name.includes('\\') ? '\\' : ''}${digestOf(file, 'md5')}  ${name}`);
    await expect(checkDigests(file, name, text)).resolves.toMatchObject({ state: 'ok', sizeBytes: 3 });
  });

  test('names the link and not its target', async () => {
    const folder = makeFolder();
    symlinkSync(writeFileAt(join(folder, 'target'), 'x'), join(folder, 'link'));
    await ensureDigestsFile(join(folder, 'link'));
    expect(readFileSync(join(folder, 'link.DIGESTS'), 'utf8')).toContain('  link\n');
  });

  test('one that is right is kept, also with more in it', async () => {
    const file = writeFileAt(join(makeFolder(), 'hello.txt'), 'hello\n');
    const richer = `${HELLO}# BLAKE2B HASH\n${'0'.repeat(128)}  hello.txt\n# SHA512 HASH\n${'1'.repeat(128)}  other\n`;
    writeFileSync(`${file}.DIGESTS`, richer);
    const before = statSync(`${file}.DIGESTS`, { bigint: true }).mtimeNs;
    await ensureDigestsFile(file);
    expect(readFileSync(`${file}.DIGESTS`, 'utf8')).toBe(richer);
    expect(statSync(`${file}.DIGESTS`, { bigint: true }).mtimeNs).toBe(before);
  });

  test('one that is stale is made again', async () => {
    const file = writeFileAt(join(makeFolder(), 'hello.txt'), 'hello\n');
    await ensureDigestsFile(file);
    appendFileSync(file, 'more');
    await ensureDigestsFile(file);
    expect(parseDigests(readFileSync(`${file}.DIGESTS`, 'utf8'), 'hello.txt').sha512).toBe(digestOf(file, 'sha512'));
  });

  test('one of another file is made again', async () => {
    const file = writeFileAt(join(makeFolder(), 'b.txt'), 'hello\n');
    writeFileSync(`${file}.DIGESTS`, HELLO);
    await ensureDigestsFile(file);
    expect(readFileSync(`${file}.DIGESTS`, 'utf8')).toBe(HELLO.replaceAll('hello.txt', 'b.txt'));
  });

  test('what is formatted is parsed back', () => {
    const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/[\n\r]/.test(text));
    const hex = (length: number) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes).toString('hex'));
    fc.assert(
      fc.property(name, hex(16), hex(20), hex(64), (file, md5, sha1, sha512) => {
        expect(parseDigests(formatDigests(file, { md5, sha1, sha512 }), file)).toEqual({ md5, sha1, sha512 });
      }),
    );
  });

  test('any text is parsed without an error, and proves nothing about a name that is not in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(parseDigests(text, 'no such name')).toEqual({});
      }),
    );
  });

  test('digests of the wrong length or under the wrong heading do not count', () => {
    const sha1 = 'a'.repeat(40);
    expect(parseDigests(`# SHA512 HASH\n${sha1}  f\n`, 'f')).toEqual({});
    expect(parseDigests(`# SHA1 HASH\n${sha1}  f\n${'b'.repeat(40)}  f\n`, 'f')).toEqual({ sha1 });
    expect(parseDigests(`# SHA1 HASH\n${sha1}  ff\n`, 'f')).toEqual({});
  });
});

describe('checkDigests', () => {
  const size = 3 * 1024 * 1024;

  test.each([0, 1, size / 2, size - 1])('sees one flipped bit at byte %d', async (at) => {
    const bytes = noise(size);
    const file = writeFileAt(join(makeFolder(), 'image.bin'), bytes);
    await ensureDigestsFile(file);
    const text = readFileSync(`${file}.DIGESTS`, 'utf8');
    const expected = digestOf(file, 'sha512');
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    await expect(checkDigests(file, basename(file), text)).resolves.toEqual({
      state: 'mismatch',
      algorithm: 'sha512',
      expected,
      found: digestOf(file, 'sha512'),
    });
  });

  test('sees bytes too few and too many', async () => {
    const file = writeFileAt(join(makeFolder(), 'f'), noise(1000));
    await ensureDigestsFile(file);
    const text = readFileSync(`${file}.DIGESTS`, 'utf8');
    truncateSync(file, 999);
    await expect(checkDigests(file, 'f', text)).resolves.toMatchObject({ state: 'mismatch' });
    truncateSync(file, 1001);
    await expect(checkDigests(file, 'f', text)).resolves.toMatchObject({ state: 'mismatch' });
  });

  test('a weak digest alone is not enough', async () => {
    const file = writeFileAt(join(makeFolder(), 'hello.txt'), 'hello\n');
    const weak = HELLO.split('# SHA512')[0] ?? '';
    await expect(checkDigests(file, 'hello.txt', weak)).resolves.toEqual({ state: 'unlisted' });
  });
});
