import { describe, expect, it } from '@jest/globals';
import { PHASES, parsePhases } from '../../../lib/release/index.ts';

describe('the phases of a command line', () => {
  it('are all of them, in order, when none is named', () => {
    expect(parsePhases([])).toEqual(PHASES);
  });

  it('are put into the order of the release and named once', () => {
    expect(parsePhases(['copy', 'pre-release', 'copy'])).toEqual(['pre-release', 'copy']);
  });

  it('can be named by a word of the tree that stands for several', () => {
    const families = { 'publish-images': ['pre-release', 'offers'] };
    expect(parsePhases(['copy', 'publish-images'], families)).toEqual(['pre-release', 'offers', 'copy']);
  });

  it('are refused with the nearest known name when there is no such phase', () => {
    expect(() => parsePhases(['sdk-image'])).toThrow(
      expect.objectContaining({
        code: 'RELEASE_PHASE_UNKNOWN',
        kind: 'misuse',
        message: expect.stringContaining("'sdk-images'"),
      }),
    );
  });
});
