import { describe, expect, it } from '@jest/globals';
import { branchOf, isNightlyOf, isOn, pickPreviousTag, unchangedPaths } from '../../../lib/tag/index.ts';
import { parseVersion, parseVersionNumber } from '../../../lib/version/index.ts';
import { packagesRules, sdkRules } from '../../helpers/git-tagging.ts';

describe('nightlies and their branch', () => {
  it.each([
    ['main-4799.0.0-nightly-20260821-2100', true, false],
    ['main-4799.0.0-nightly-20260821-2100-INTERMEDIATE', true, false],
    ['main-4799.0.0', false, false],
    ['stable-4500.2.1-nightly-20260901-2100', false, true],
    ['stable-4500.2.1-nightly-20260901-2100-INTERMEDIATE', false, false],
    ['stable-4500.2.1', false, false],
  ])('%s', (text, sdk, packages) => {
    expect([isNightlyOf(sdkRules, parseVersion(text)), isNightlyOf(packagesRules, parseVersion(text))]).toEqual([
      sdk,
      packages,
    ]);
  });

  it('the branch may have the major number, channel and group', () => {
    const version = parseVersion('main-0450.2.1');
    expect(branchOf(sdkRules, version)).toBe('main');
    expect(branchOf(packagesRules, version)).toBe('flatcar-0450');
    expect(branchOf({ ...sdkRules, branch: '${channel}/${group}' }, version)).toBe('main/developer');
    expect(() => branchOf({ ...sdkRules, branch: '${nope}' }, version)).toThrow("no value for ${nope} in '${nope}'");
  });
});

describe('pickPreviousTag', () => {
  const stable = parseVersion('stable-4500.2.1-nightly-20260901-2100');
  const main = parseVersion('main-4799.0.0-nightly-20260821-2100');
  it.each([
    ['a release tag counts for packages', packagesRules, stable, ['stable-4500.2.0'], 'stable-4500.2.0'],
    ['of another channel too', packagesRules, stable, ['lts-4500.1.0'], 'lts-4500.1.0'],
    ['not of another major', packagesRules, stable, ['stable-4501.0.0'], undefined],
    ['not a pro tag', packagesRules, stable, ['stable-4500.2.0-pro'], undefined],
    ['not a main tag', packagesRules, stable, ['main-4500.0.0-nightly-20260821-2100'], undefined],
    [
      'a nightly counts',
      packagesRules,
      stable,
      ['beta-4500.0.0-nightly-20260821-2100'],
      'beta-4500.0.0-nightly-20260821-2100',
    ],
    ['a release does not count for the SDK', sdkRules, main, ['main-4799.0.0'], undefined],
    ['an intermediate does not count', sdkRules, main, ['main-4799.0.0-nightly-20260821-2100-INTERMEDIATE'], undefined],
    [
      'any major counts for the SDK',
      sdkRules,
      main,
      ['main-1.0.0-nightly-20130701-0000'],
      'main-1.0.0-nightly-20130701-0000',
    ],
    ['foreign tags do not matter', sdkRules, main, ['v1', 'HEAD', 'main-'], undefined],
    [
      'the first in byte order',
      packagesRules,
      stable,
      ['stable-4500.2.0', 'lts-4500.9.0', 'alpha-4500.10.0', 'x'],
      'alpha-4500.10.0',
    ],
  ])('%s', (_name, rules, version, tags, expected) => {
    expect(pickPreviousTag(rules, version, tags)).toBe(expected);
  });
});

describe('unchangedPaths', () => {
  it('fills versions in both forms', () => {
    const os = parseVersionNumber('4799.0.0+nightly-20260821-2100');
    const sdk = parseVersionNumber('4798.0.0+x');
    expect(unchangedPaths(sdkRules, { os, sdk })).toEqual([
      'containers/4798.0.0-x/flatcar-sdk-all-4798.0.0-x.tar.zst',
      'images/amd64/4799.0.0+nightly-20260821-2100/flatcar_production_image.bin.bz2',
      'images/arm64/4799.0.0+nightly-20260821-2100/flatcar_production_image.bin.bz2',
    ]);
  });
});

describe('isOn', () => {
  it.each([
    ['1', true],
    ['true', true],
    ['t', true],
    ['yes', true],
    ['y', true],
    ['TRUE', false],
    ['on', false],
    ['0', false],
    ['', false],
    [undefined, false],
  ])('%j: %s', (value, expected) => expect(isOn(value)).toBe(expected));
});
