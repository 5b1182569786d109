import { describe, expect, it } from '@jest/globals';
import {
  deriveBuildId,
  deriveCacheForm,
  deriveDockerForm,
  deriveGroup,
  deriveVernum,
  isOfficialNumber,
  parseVersion,
  pickTag,
  withoutChannel,
} from '../../../lib/version/index.ts';
import { examples } from './examples.ts';

describe('derivations of the original, on any text', () => {
  it.each(examples)('$text', ({ text, group, vernum, buildId, cacheForm, dockerForm, official }) => {
    const stripped = deriveCacheForm(text);
    expect({
      group: deriveGroup(text),
      vernum: deriveVernum(text),
      buildId: deriveBuildId(text),
      cacheForm: stripped,
      dockerForm: deriveDockerForm(stripped),
      official: isOfficialNumber(stripped),
    }).toEqual({ group, vernum, buildId, cacheForm, dockerForm, official });
    expect(deriveCacheForm(stripped)).toBe(stripped);
  });

  it('does not take a version with a line break for official', () => {
    expect(isOfficialNumber('1.2.3\n')).toBe(false);
  });
});

describe('pickTag', () => {
  it('takes the tag of the version file among several', () => {
    const tags = ['alpha-4.5.6', 'stable-4500.2.1', 'stable-4500.2.1-pro'];
    expect(pickTag(tags, '4500.2.1')).toBe('stable-4500.2.1');
    expect(pickTag(tags, '9.9.9')).toBeUndefined();
    expect(pickTag(['v1'], '9.9.9')).toBe('v1');
  });
});

describe('withoutChannel', () => {
  it('keeps the dash before the build id', () => {
    expect(withoutChannel(parseVersion('alpha-3244.0.1-nightly2'))).toBe('3244.0.1-nightly2');
  });
});
