import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseVersion, parseVersionFile, readVersionFile, renderVersionFile } from '../../../lib/version/index.ts';
import { fc } from '../../helpers/fast-check.ts';

const FILE = 'sdk_container/.repo/manifests/version.txt';
const parse = (text: string) => parseVersionFile('FLATCAR_', text, FILE);

describe('renderVersionFile', () => {
  it('gives the bytes of the original', () => {
    const sdk = parseVersion('main-4799.0.0-nightly-20260821-2100');
    const os = parseVersion('stable-4500.2.1');
    expect(renderVersionFile('FLATCAR_', { os: sdk, sdk })).toBe(
      'FLATCAR_VERSION=4799.0.0+nightly-20260821-2100\nFLATCAR_VERSION_ID=4799.0.0\n' +
        'FLATCAR_BUILD_ID="nightly-20260821-2100"\nFLATCAR_SDK_VERSION=4799.0.0+nightly-20260821-2100\n',
    );
    expect(renderVersionFile('SKIFF_', { os, sdk })).toBe(
      'SKIFF_VERSION=4500.2.1\nSKIFF_VERSION_ID=4500.2.1\nSKIFF_BUILD_ID=""\nSKIFF_SDK_VERSION=4799.0.0+nightly-20260821-2100\n',
    );
  });

  it('is read back as it was written', () => {
    const version = fc
      .tuple(fc.nat(9999), fc.nat(99), fc.option(fc.stringMatching(/^[0-9A-Za-z_-]{1,30}$/)))
      .map(([major, patch, suffix]) => parseVersion(`lts-${major}.0.${patch}${suffix === null ? '' : `-${suffix}`}`));
    fc.assert(
      fc.property(version, version, (os, sdk) => {
        const read = parse(renderVersionFile('FLATCAR_', { os, sdk }));
        expect([read.os.cacheForm, read.sdk.cacheForm]).toEqual([os.cacheForm, sdk.cacheForm]);
      }),
    );
  });
});

describe('parseVersionFile', () => {
  it('reads quotes, comments, empty lines and other variables', () => {
    const read = parse('# made by hand\n\nFLATCAR_VERSION="1.2.3+x"\nOTHER=a/b\nFLATCAR_SDK_VERSION=\'1.2.0\'');
    expect([read.os.cacheForm, read.sdk.cacheForm]).toEqual(['1.2.3+x', '1.2.0']);
  });

  it.each([
    ['an empty file', '', ': no line sets FLATCAR_VERSION.'],
    ['no SDK', 'FLATCAR_VERSION=1.2.3\n', ': no line sets FLATCAR_SDK_VERSION.'],
    ['an empty version', 'FLATCAR_VERSION=\nFLATCAR_SDK_VERSION=1.2.3\n', ', line 1: FLATCAR_VERSION is ""'],
    [
      'code',
      'FLATCAR_VERSION=1.2.3\nFLATCAR_SDK_VERSION=$(touch x)\n',
      ', line 2: "FLATCAR_SDK_VERSION=$(touch x)" is not a plain NAME=VALUE',
    ],
    ['code in quotes', 'FLATCAR_VERSION="`id`"\n', ', line 1:'],
    ['a command', 'FLATCAR_VERSION=1.2.3\nrm -rf x\n', ', line 2: "rm -rf x" is not a plain NAME=VALUE'],
    ['a path', 'FLATCAR_VERSION=../../x\nFLATCAR_SDK_VERSION=1.2.3\n', ', line 1: FLATCAR_VERSION is "../../x"'],
    [
      'the six lines that two tags on HEAD give',
      'FLATCAR_VERSION=1.2.3\n4.5.6+foo\n',
      ', line 2: "4.5.6+foo" is not a plain',
    ],
    [
      'a variable twice',
      'FLATCAR_VERSION=1.2.3\nFLATCAR_VERSION=1.2.4\n',
      ', line 2: FLATCAR_VERSION is set again, it was on line 1',
    ],
    ['another tree', 'SKIFF_VERSION=1.2.3\nSKIFF_SDK_VERSION=1.2.3\n', ': no line sets FLATCAR_VERSION.'],
    ['carriage returns', 'FLATCAR_VERSION=1.2.3\r\n', ', line 1:'],
  ])('refuses %s', (_name, text, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: 'VERSION_FILE_INVALID', message: expect.stringContaining(FILE + message) }),
    );
  });
});

describe('readVersionFile', () => {
  it('tells a missing file from a broken one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'version-file-'));
    const file = join(folder, 'version.txt');
    await expect(readVersionFile(file, 'SKIFF_')).rejects.toMatchObject({
      code: 'VERSION_FILE_MISSING',
      kind: 'misuse',
    });
    await writeFile(file, 'SKIFF_VERSION=0.0.0\nSKIFF_SDK_VERSION=0.0.0\n');
    expect((await readVersionFile(file, 'SKIFF_')).os.isOfficial).toBe(true);
    await rm(folder, { recursive: true });
  });
});
