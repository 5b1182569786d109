import { describe, expect, it } from '@jest/globals';
import { parsePush, parseRemoteRefs, parseStatus } from '../../../lib/git/parse.ts';

describe('parseStatus', () => {
  it('tells index from working tree, and skips the old name of a rename', () => {
    const output = 'M  staged\0 M changed\0MM both\0R  new name\0old name\0UU conflict\0 D gone\0';
    expect(parseStatus(output)).toEqual({
      staged: ['both', 'conflict', 'new name', 'staged'],
      unstaged: ['both', 'changed', 'conflict', 'gone'],
    });
    expect(parseStatus('')).toEqual({ staged: [], unstaged: [] });
  });
});

describe('parseRemoteRefs', () => {
  it('reads object and ref', () => {
    expect([...parseRemoteRefs('aa\trefs/heads/main\nbb\trefs/tags/x^{}')]).toEqual([
      ['refs/heads/main', 'aa'],
      ['refs/tags/x^{}', 'bb'],
    ]);
    expect(parseRemoteRefs('').size).toBe(0);
  });
});

describe('parsePush', () => {
  it('reads one line for each ref', () => {
    const output = [
      'To /srv/origin.git',
      ' \tHEAD:refs/heads/main\taa..bb',
      '*\trefs/tags/x:refs/tags/x\t[new tag]',
      '=\trefs/tags/y:refs/tags/y\t[up to date]',
      '!\trefs/tags/z:refs/tags/z\t[rejected] (already exists)',
      'Done',
    ].join('\n');
    expect(parsePush(output)).toEqual([
      { ref: 'refs/heads/main', status: 'updated', summary: 'aa..bb' },
      { ref: 'refs/tags/x', status: 'new', summary: '[new tag]' },
      { ref: 'refs/tags/y', status: 'up-to-date', summary: '[up to date]' },
      { ref: 'refs/tags/z', status: 'rejected', summary: '[rejected] (already exists)' },
    ]);
  });
});
