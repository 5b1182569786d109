import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { CREDENTIALS_MOUNT, folderScript, shellLine, shellWord } from '../../../lib/release/shell-script.ts';
import { useTempFolders } from '../../helpers/temp.ts';

const makeFolder = useTempFolders();

const bash = (script: string, cwd: string) => {
  const { status, stdout } = spawnSync('bash', ['-c', script], { cwd, encoding: 'utf8' });
  return { status, stdout };
};

describe('a word of a script', () => {
  it('means nothing to the shell, whatever fills it', () => {
    const nasty = `a'b "c" $(touch X) \`touch X\` ; touch X #*\\`;
    const folder = makeFolder('words');
    expect(bash(`printf '[%s]' ${shellLine(['--v=${v}', '', '${v}'], { v: nasty }, [])}`, folder).stdout).toBe(
      `[--v=${nasty}][][${nasty}]`,
    );
    expect(existsSync(join(folder, 'X'))).toBe(false);
  });

  it('has the path of a credential and never its text', () => {
    const content = Buffer.from('very secret');
    const file = shellWord('--key=${KEY}', {}, [{ name: 'KEY', kind: 'file', content }]);
    const text = shellWord('--role=${KEY}', {}, [{ name: 'KEY', kind: 'text', content }]);
    expect([file, text]).toEqual([`--key=${CREDENTIALS_MOUNT}/KEY`, `--role="$(cat ${CREDENTIALS_MOUNT}/KEY)"`]);
  });
});

describe('the script of the tasks', () => {
  it('runs each in a folder of its own, made anew', () => {
    const cwd = makeFolder('tasks');
    mkdirSync(join(cwd, 'one'));
    writeFileSync(join(cwd, 'one', 'old'), '');
    const script = folderScript([
      { folder: 'one', inside: ['echo 1 >new'], beside: ['echo beside'] },
      { folder: 'two', inside: ['echo 2 >new'] },
    ]);
    expect(bash(script, cwd)).toEqual({ status: 0, stdout: 'beside\n' });
    expect(existsSync(join(cwd, 'one', 'old'))).toBe(false);
    expect(readFileSync(join(cwd, 'two', 'new'), 'utf8')).toBe('2\n');
  });

  it('stops at the first that fails, with its exit code', () => {
    const cwd = makeFolder('tasks');
    const script = folderScript([
      { folder: 'one', inside: ['exit 7'] },
      { folder: 'two', inside: ['true'] },
    ]);
    expect(bash(script, cwd).status).toBe(7);
    expect(existsSync(join(cwd, 'two'))).toBe(false);
  });
});
