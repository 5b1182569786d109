import { describe, expect, it } from '@jest/globals';
import {
  dayCount,
  isNightly,
  makeNightlyVersion,
  type NightlyPattern,
  parseVersion,
} from '../../../lib/version/index.ts';

const sdk: NightlyPattern = { channels: ['main'], word: 'nightly', intermediate: true };
const packages: NightlyPattern = { channels: ['alpha', 'beta', 'stable', 'lts'], word: 'nightly', intermediate: false };

describe('isNightly', () => {
  it.each([
    ['main-4799.0.0-nightly-20260821-2100', true, false],
    ['main-4799.0.0-nightly-20260821-2100-INTERMEDIATE', true, false],
    ['stable-4500.2.1-nightly-20260901-2100', false, true],
    ['stable-4500.2.1-nightly-20260901-2100-INTERMEDIATE', false, false],
    ['main-4799.0.0', false, false],
    ['main-4799.0.0-nightly', false, false],
    ['main-4799.0.0-nightly-', false, false],
    ['main-4799.0.0-nightly-2026082-2100', false, false],
    ['main-4799.0.0-nightly-20260821-2100-x', false, false],
    ['main-4799.0.0-xnightly-20260821-2100', false, false],
    ['alpha-3244.0.1-nightly2', false, false],
  ])('%s: sdk %s, packages %s', (text, asSdk, asPackages) => {
    expect(isNightly(parseVersion(text), sdk)).toBe(asSdk);
    expect(isNightly(parseVersion(text), packages)).toBe(asPackages);
  });

  it('takes the word literally', () => {
    const odd = { ...sdk, word: 'night.y' };
    expect(isNightly(parseVersion('main-1.0.0-nightly-20260821-2100'), odd)).toBe(false);
    expect(isNightly(parseVersion('main-1.0.0-night.y-20260821-2100'), odd)).toBe(true);
  });
});

describe('makeNightlyVersion', () => {
  it.each([
    ['2026-08-21T21:00:59.999Z', 'main-4799.0.0-nightly-20260821-2100'],
    ['2026-11-20T00:00:00Z', 'main-4890.0.0-nightly-20261120-0000'],
    ['2026-11-19T23:59:59Z', 'main-4889.0.0-nightly-20261119-2359'],
    ['2013-07-01T00:00:00Z', 'main-0.0.0-nightly-20130701-0000'],
  ])('%s', (now, text) => {
    const version = makeNightlyVersion({ now: new Date(now) });
    expect(version.text).toBe(text);
    expect(isNightly(version, sdk)).toBe(true);
  });

  it('counts days, not daylight: the same in every time zone', () => {
    expect(dayCount({ now: new Date('2026-08-21T23:30:00-11:00'), tags: [] })).toBe('4800.0.0');
  });

  it('takes another scheme, channel and word', () => {
    const running = ({ tags }: { tags: readonly string[] }): string => `${tags.length + 1}.0.0`;
    const now = new Date('2026-08-21T21:00:00Z');
    const version = makeNightlyVersion({ now, tags: ['a', 'b'], scheme: running, channel: 'alpha', word: 'try' });
    expect(version.text).toBe('alpha-3.0.0-try-20260821-2100');
  });
});
