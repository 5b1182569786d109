import { describe, expect, it } from '@jest/globals';
import { listSecrets, parseVariables } from '../../../lib/vendor-tests/index.ts';

describe('variables', () => {
  it.each([
    ['export NAME="value"', 'value'],
    ['NAME=value', 'value'],
    ["  export NAME='a \\ b'", 'a \\ b'],
    ['export NAME="a \\"b\\" \\$c"', 'a "b" $c'],
    ['declare -x NAME=a\'b\'"c"d', 'abcd'],
    ['export NAME="two\nlines" # more', 'two\nlines'],
    ['NAME=value; OTHER=x', 'value'],
    ["NAME=$'it\\'s'", "it's"],
    ['export NAME=', ''],
    ['export NAME="never closed', ''],
  ])('%j has the value %j', (text, value) => {
    expect(parseVariables(`# before\n${text}\n`)[0]).toEqual(['NAME', value]);
  });

  it('are data: nothing is executed or expanded', () => {
    expect(parseVariables('export A="$(touch x)"\nexport B=`id`\n')).toEqual([
      ['A', '$(touch x)'],
      ['B', '`id`'],
    ]);
  });
});

describe('secrets', () => {
  const text = `export TOKEN="s3'cret word"\nexport PARALLEL_TESTS=5\nexport QEMU_KOLA_SKIP_MANGLE=true\nexport QEMU_IMAGE_NAME="/work/i.bin"\nexport CREDS="line one of it\nx\nline two of it"\n`;
  it('are all values but the harmless and the public ones, in the forms in which a shell traces them', () => {
    const secrets = listSecrets(text, ['QEMU_*']);
    expect(secrets).toEqual(
      expect.arrayContaining([
        "s3'cret word",
        "s3\\'cret\\ word",
        "s3'\\''cret word",
        'line one of it',
        'line two of it',
      ]),
    );
    expect(secrets).not.toEqual(expect.arrayContaining(['5']));
    expect(secrets).not.toEqual(expect.arrayContaining(['true']));
    expect(secrets).not.toEqual(expect.arrayContaining(['/work/i.bin']));
    expect(listSecrets(text, [])).toContain('/work/i.bin');
  });
});
