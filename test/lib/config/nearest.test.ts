import { describe, expect, it } from '@jest/globals';
import { nearest } from '../../../lib/config/index.ts';

describe('nearest', () => {
  it.each([
    ['BUILDCACHE_SERVR', 'BUILDCACHE_SERVER'],
    ['buildcache_server', 'BUILDCACHE_SERVER'],
    ['SINGER', 'SIGNER'],
    ['amd46', 'amd64'],
  ])('%s -> %s', (typed, meant) => {
    expect(nearest(typed, ['BUILDCACHE_SERVER', 'SIGNER', 'amd64'])).toBe(meant);
  });

  it('knows when nothing is near', () => {
    expect(nearest('zzz', ['BUILDCACHE_SERVER', 'amd64'])).toBeUndefined();
  });
});
