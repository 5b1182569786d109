import { describe, expect, it } from '@jest/globals';
import { compareVersions, parseVersion } from '../../../lib/version/index.ts';

describe('compareVersions', () => {
  it('orders from old to new', () => {
    const inOrder = [
      'alpha-999.0.0',
      'main-4798.1.0',
      'main-4799.0.0-nightly2',
      'main-4799.0.0-nightly10',
      'main-4799.0.0-nightly-20260820-2100',
      'main-4799.0.0-nightly-20260821-2100',
      'main-4799.0.0-nightly-20260821-2100-INTERMEDIATE',
      'main-4799.0.0',
      'stable-4799.0.0',
      'alpha-4799.0.1',
      'alpha-4799.1.0',
    ];
    const mixed = inOrder.toReversed().map(parseVersion);
    expect(mixed.toSorted(compareVersions).map(({ text }) => text)).toEqual(inOrder);
  });

  it('says equal only of equal tags', () => {
    const [a, b] = [parseVersion('main-7.0.0'), parseVersion('main-07.0.0')];
    expect(compareVersions(a, a)).toBe(0);
    expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)));
    expect(compareVersions(a, b)).not.toBe(0);
  });
});
