import { describe, expect, it } from '@jest/globals';
import { parseCommandLine } from '../../../lib/step/arguments.ts';

const parse = (...argv: string[]) => parseCommandLine(argv, 'vms', [{ flag: '--tag', value: 'VERSION', help: '' }]);

const errorOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

describe('a command line', () => {
  it('takes flags anywhere, with = or a blank', () => {
    const line = parse('amd64', '--buildcache-dir', '/c', 'qemu', '--signer=a b=c', '--plan', '--tag', 'x');
    expect(line.positionals).toEqual(['amd64', 'qemu']);
    expect(line.flags).toEqual({ BUILDCACHE_DIR: '/c', SIGNER: 'a b=c', '--tag': 'x' });
    expect(line).toMatchObject({ plan: true, json: false, help: false });
  });

  it('takes no value for a yes-or-no setting', () => {
    expect(parse('--sign', 'amd64')).toMatchObject({ flags: { SIGN: '1' }, positionals: ['amd64'] });
    expect(parse('--sign=0').flags).toEqual({ SIGN: '0' });
  });

  it('takes everything after -- as it is', () => {
    expect(parse('amd64', '--', '--plan', '-x').positionals).toEqual(['amd64', '--plan', '-x']);
  });

  it('names the nearest flag', () => {
    expect(errorOf(() => parse('--buildcache-dirr=/c'))).toMatchObject({
      code: 'FLAG_UNKNOWN',
      kind: 'misuse',
      message: "vms has no option '--buildcache-dirr'. Did you mean '--buildcache-dir'?",
    });
  });

  it('misses a value', () => {
    expect(errorOf(() => parse('--tag'))).toMatchObject({ code: 'FLAG_VALUE_MISSING' });
  });
});
