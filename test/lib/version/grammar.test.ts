import { describe, expect, it } from '@jest/globals';
import { exitCodeOf, SlipwayError } from '../../../lib/errors/index.ts';
import { explainVersion, parseVersion, parseVersionNumber } from '../../../lib/version/index.ts';
import { fc } from '../../helpers/fast-check.ts';
import { examples } from './examples.ts';

const errorOf = (work: () => unknown): SlipwayError => {
  try {
    work();
  } catch (error) {
    if (error instanceof SlipwayError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('parseVersion on the verified examples', () => {
  it.each(examples.filter(({ accepted }) => accepted === 'ok'))('takes $text', (example) => {
    const version = parseVersion(example.text);
    expect(version).toMatchObject({
      text: example.text,
      channel: example.text.slice(0, example.text.indexOf('-')),
      group: example.group,
      vernum: example.vernum,
      suffix: example.buildId,
      buildId: example.buildId,
      cacheForm: example.cacheForm,
      dockerForm: example.dockerForm,
      isOfficial: example.official,
    });
    expect([version.major, version.minor, version.patch].join('.')).toBe(example.vernum);
    expect(Object.isFrozen(version)).toBe(true);
  });

  it.each(examples.filter(({ accepted }) => accepted !== 'ok'))('refuses $text', ({ text }) => {
    const error = errorOf(() => parseVersion(text));
    expect(error.code).toBe('VERSION_INVALID');
    expect(exitCodeOf(error)).toBe(2);
  });
});

describe('reasons', () => {
  it.each([
    ['', 'it is empty'],
    ['3244.0.1', "does not begin with a channel (main, alpha, beta, stable, lts) and '-'"],
    ['edge-1.2.3', '"edge" is not a channel'],
    ['main-1.2', 'three numbers MAJOR.MINOR.PATCH'],
    ['main-1.2.3-', "nothing follows the last '-'"],
    ['main-1.2.3+x', 'after 1.2.3 comes "+"'],
    ['alpha-1.2.3.4-foo', 'after 1.2.3 comes "."'],
    ['main-1.2.3-$(touch${IFS}X)', "its suffix has '$'"],
    ['main-1.2.3-`id`', "its suffix has '`'"],
    ['main-1.2.3-a b', 'its suffix has a space'],
    ['main-1.2.3-foo\nalpha-4.5.6-bar', 'its suffix has a line break'],
    ['main-1.2.3\n', 'after 1.2.3 comes "\\n"'],
    ['main-1.2.3-x\n', 'its suffix has a line break'],
    ['main-1.2.3-x\0', 'the character U+0000'],
    ['main-1.2.3-é', 'the character U+00E9'],
    ['main-1.2.3-😀', 'the character U+1F600'],
    ['main-1.2.3-x/../../etc', "its suffix has '/'"],
    ['main-1.2.3-a..b', "its suffix has '..'"],
    ['main-1.2.3-.a', "begins or ends with '.'"],
    ['main-1.2.3-a.', "begins or ends with '.'"],
    ['main-1.2.3-a.lock', "ends with '.lock'"],
    ['main-1.2.3-a~1', "its suffix has '~'"],
    ['main-1.2.3-a@{1}', "its suffix has '@'"],
    [`main-1.2.3-${'a'.repeat(123)}`, 'it has 129 characters'],
    ['main-1234567890123456.0.0', 'more than 15 digits'],
    ['main-１.2.3', 'three numbers'],
  ])('%j', (text, reason) => {
    expect(explainVersion(text)).toContain(reason);
    const { message, hint } = errorOf(() => parseVersion(text));
    expect(message).toContain(reason);
    expect(message).not.toMatch(/\p{Cc}/u);
    expect(hint).toContain('CHANNEL-MAJOR.MINOR.PATCH');
  });

  it('takes what looks odd and is harmless', () => {
    for (const text of [
      'main-1.2.3--x',
      'main-1.2.3-x-',
      'main-1.2.3-lock',
      'main-007.0.0',
      `main-1.2.3-${'a'.repeat(122)}`,
    ]) {
      expect(explainVersion(text)).toBeUndefined();
    }
    expect(parseVersion('main-007.0.0').vernum).toBe('007.0.0');
  });
});

const number = fc.nat({ max: 99_999 });
const suffix = fc
  .stringMatching(/^[0-9A-Za-z_-]([0-9A-Za-z_-]|\.[0-9A-Za-z_-])*$/)
  .filter((text) => text.length < 60 && !text.endsWith('.lock'));
const tag = fc
  .tuple(fc.constantFrom('main', 'alpha', 'beta', 'stable', 'lts'), number, number, number, fc.option(suffix))
  .map(([channel, a, b, c, end]) => `${channel}-${a}.${b}.${c}${end === null ? '' : `-${end}`}`);

describe('for any text', () => {
  it('a version comes back from its parts and from its cache form', () => {
    fc.assert(
      fc.property(tag, (text) => {
        const version = parseVersion(text);
        expect(`${version.channel}-${version.vernum}${version.suffix && '-'}${version.suffix}`).toBe(text);
        const number = parseVersionNumber(version.cacheForm);
        expect(number).toEqual(parseVersionNumber(version.dockerForm));
        expect(number).toEqual(parseVersionNumber(text));
        expect(number).toMatchObject({ cacheForm: version.cacheForm, buildId: version.buildId });
      }),
    );
  });

  it('is total: a version of harmless characters, or a reason', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      tag.map((text) => `${text}\n`),
      fc.tuple(tag, fc.string()).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(anything, (text) => {
        if (explainVersion(text) === undefined) expect(text).toMatch(/^[0-9A-Za-z._-]+$/);
        else expect(() => parseVersion(text)).toThrow(SlipwayError);
      }),
    );
  });
});

describe('parseVersionNumber', () => {
  it.each(['', 'x', '1.2', '1.2.3+', '1.2.3+a+b', '1.2.3 ', '1.2.3\n', '../1.2.3', '2022-3033.3.1', '1.2.3+$(id)'])(
    'refuses %j',
    (text) => {
      expect(errorOf(() => parseVersionNumber(text)).code).toBe('VERSION_NUMBER_INVALID');
    },
  );
});
