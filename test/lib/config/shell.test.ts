import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { evaluateShell, type ShellValues } from '../../../lib/config/shell/evaluate.ts';
import { fc } from '../../helpers/fast-check.ts';

const folder = mkdtempSync(join(tmpdir(), 'shell-'));
afterAll(() => rmSync(folder, { recursive: true }));

const NAMES = ['A', 'B', 'C_d', 'docker', 'AWS_amd64_INSTANCE_TYPE', 'HOME', 'EMPTY', 'ODD'];
/** Two variables are not set, one is empty, one has everything in it that is special to a shell. */
const ENV: Readonly<Record<string, string>> = {
  PATH: '/usr/bin:/bin',
  HOME: '/home/me',
  EMPTY: '',
  ODD: `a  b'c"d$e\`f\\g*\nh~`,
  B: 'from the environment',
};

/** What bash makes of a text: each variable's value, the items of arrays, and the environment of a program it starts. */
const bashReads = (
  text: string,
): { values: Record<string, string>; items: Record<string, string[]>; env: string[] } => {
  const file = join(folder, 'file.env');
  writeFileSync(file, text);
  const dump = [
    `source ${file} >/dev/null 2>&1`,
    `for n in ${NAMES.join(' ')}; do`,
    '  [[ -v $n ]] && printf "v%s=%s\\0" "$n" "${!n}"',
    '  [[ $(declare -p "$n" 2>/dev/null) == "declare -a"* ]] || continue',
    '  declare -n all=$n; printf "i%s\\0" "$n"; for i in "${all[@]}"; do printf "i%s=%s\\0" "$n" "$i"; done; unset -n all',
    'done',
    'printf "e\\0"; exec /usr/bin/env -0',
  ].join('\n');
  const out = execFileSync('bash', ['--norc', '--noprofile', '-c', dump], { env: ENV, encoding: 'utf8' }).split('\0');
  const end = out.indexOf('e');
  const values: Record<string, string> = {};
  const items: Record<string, string[]> = {};
  for (const line of out.slice(0, end)) {
    const [, kind, name = '', rest] = /^([vi])(\w+)(?:=(.*))?$/s.exec(line) ?? [];
    if (kind === 'v') values[name] = rest ?? '';
    else if (rest === undefined) items[name] = [];
    else items[name]?.push(rest);
  }
  return { values, items, env: out.slice(end + 1, -1).filter((line) => NAMES.includes(line.split('=')[0] ?? '')) };
};

const weRead = (text: string): ReturnType<typeof bashReads> & { read: ShellValues } => {
  const read = evaluateShell(text, ENV);
  const values: Record<string, string> = {};
  const items: Record<string, string[]> = {};
  for (const name of NAMES) {
    const variable = read.variables.get(name);
    const value = variable ? variable.value : ENV[name];
    if (value !== undefined) values[name] = value;
    if (variable?.items) items[name] = [...variable.items];
  }
  const env = Object.entries({ ...ENV, ...read.exported })
    .filter(([name]) => NAMES.includes(name) && !items[name])
    .map(([name, value]) => `${name}=${value}`);
  return { values, items, env, read };
};

const oneOf = (...texts: string[]): fc.Arbitrary<string> => fc.constantFrom(...texts);
const joined = (one: fc.Arbitrary<string>, maxLength = 5): fc.Arbitrary<string> =>
  fc.array(one, { maxLength }).map((texts) => texts.join(''));

const name = oneOf(...NAMES);
const operator = oneOf('', ':-', '-', ':=', '=', ':+', '+');
const inSingle = joined(oneOf('a', ' ', '"', '$A', '`', '\\', '\n', '#', '(', '}', '~', '  ')).map(
  (text) => `'${text}'`,
);

const { bare, double, braces, quotedBraces } = fc.letrec<
  Record<'bare' | 'double' | 'braces' | 'quotedBraces' | 'reference' | 'quotedReference', string>
>((tie) => ({
  reference: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    name.map((one) => `$${one}`),
    fc.tuple(name, operator, tie('braces')).map(([one, how, word]) => `\${${one}${how}${how && word}}`),
  ),
  quotedReference: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    name.map((one) => `$${one}`),
    fc.tuple(name, operator, tie('quotedBraces')).map(([one, how, word]) => `\${${one}${how}${how && word}}`),
  ),
  double: joined(
    fc.oneof(
      oneOf(
        'a',
        ' ',
        "'",
        '\\$',
        '\\"',
        '\\\\',
        '\\`',
        '\\x',
        '\\\n',
        '\n',
        '#',
        '(',
        ')',
        '}',
        '{',
        '*',
        '~',
        '$ ',
        '$/',
        ';',
        '|',
      ),
      tie('quotedReference'),
    ),
  ).map((text) => `"${text}"`),
  bare: joined(
    fc.oneof(
      oneOf(
        'a',
        '/',
        ':',
        '=',
        '.',
        '@',
        '%',
        '+',
        ',',
        '-',
        '{',
        '}',
        '*',
        '?',
        '[x]',
        '!',
        '\\ ',
        '\\$',
        '\\"',
        '\\\\',
        '\\\n',
        '\\#',
        '$/',
        '^',
        'é',
      ),
      inSingle,
      tie('double'),
      tie('reference'),
    ),
  ),
  braces: joined(
    fc.oneof(
      oneOf('a', ' ', '  ', '/', ':', '\\}', '\\$', '#', '(', ')', ';', '|', '&', '\n', '*', '{'),
      inSingle,
      tie('double'),
      tie('reference'),
    ),
    3,
  ),
  quotedBraces: joined(
    fc.oneof(
      oneOf(
        'a',
        ' ',
        "'b c'",
        "'",
        '\\}',
        '\\$',
        '\\"',
        '\\x',
        '#',
        '(',
        ')',
        ';',
        '|',
        '\n',
        '*',
        '{',
        '~',
        '"b"',
        '"$A c"',
      ),
      tie('quotedReference'),
    ),
    3,
  ),
}));

const value = fc.oneof(bare, double, inSingle, oneOf('', '~', '~/x', '~/x:y'));
const item = fc.oneof(double, inSingle, oneOf('a', 'b/c', '#no'));
const space = oneOf(' ', '  ', '\t', '\n', ' # a comment: A=1 "\n', '\\\n ');
const array = fc.array(fc.tuple(item, space), { maxLength: 4 }).map((all) => `( ${all.flat().join('')})`);
const append = oneOf('=', '=', '=', '+=');
const assignment = fc
  .tuple(name, append, fc.oneof({ arbitrary: value, weight: 4 }, { arbitrary: array, weight: 1 }))
  .map((parts) => parts.join(''));
const statement = fc.oneof(
  assignment,
  fc.tuple(assignment, assignment).map((two) => two.join(' ')),
  fc.tuple(name, value).map(([one, text]) => `export ${one}=${text}`),
  name.map((one) => `export ${one}`),
  fc.tuple(name, oneOf(':=', '='), braces).map(([one, how, word]) => `: \${${one}${how}${word}}`),
  fc.tuple(name, oneOf(':=', '='), quotedBraces).map(([one, how, word]) => `: "\${${one}${how}${word}}"`),
);
const between = oneOf('# A=comment "\n', '', '  # more\n', '\n');
const separator = oneOf('\n', '\n\n', ' ; ', "   # comment; A=2 '\n", ';\n\t', ';');
const file = fc.array(fc.tuple(between, statement, separator), { maxLength: 8 }).map((all) => all.flat().join(''));

describe('a file of assignments', () => {
  it('gives the values that bash gives, whatever is in it', () => {
    let read = 0;
    fc.assert(
      fc.property(file, (text) => {
        const ours = weRead(text);
        // Where the shell's own rules are too odd, we say so instead; those are for the tests below.
        if (ours.read.unread.length > 0 || [...ours.read.variables.values()].some(({ unknown }) => unknown)) return;
        read += 1;
        const { values, items, env } = bashReads(text);
        expect({ values: ours.values, items: ours.items, env: new Set(ours.env) }).toEqual({
          values,
          items,
          env: new Set(env),
        });
      }),
      { numRuns: Number(process.env.FC_RUNS ?? 120) },
    );
    // Most of them must be such that they can be read at all.
    expect(read).toBeGreaterThan(60);
  });
});

describe('what would have to be executed', () => {
  const trace = join(folder, 'executed');
  const read = (text: string, env: Record<string, string> = {}): ShellValues => evaluateShell(text, { ...ENV, ...env });

  it.each([
    ['A=$(touch TRACE)', 'a command substitution ($(touch TRACE))'],
    ['A="x`touch TRACE`"', 'a command substitution (`touch TRACE`)'],
    ['A=$((1 + 1))', 'a command substitution ($((1 + 1)))'],
    ['A=${B/x/y}', 'an expansion (${B/x/y})'],
    ['A="${B%%.*}"', 'an expansion (${B%%.*})'],
    ['A=${!B}', 'an expansion (${!B})'],
    ['A=$RANDOM', 'an expansion ($RANDOM)'],
    ['A=$1', 'an expansion ($1)'],
    ['A=~somebody/x', 'a ~'],
    ["A=$'x\\n'", "a quotation with $ ($'x\\n')"],
  ])('%s leaves the value unknown and is not run', (text, what) => {
    const { variables } = read(text.replaceAll('TRACE', trace));
    expect(variables.get('A')).toMatchObject({ value: undefined, unknown: what.replaceAll('TRACE', trace) });
    expect(existsSync(trace)).toBe(false);
  });

  it.each([
    ['if [ -n "$X" ]; then\n  A=1\nelif true; then A=2; else\n  A=3\nfi', "the command 'if'", ['A']],
    ['case "$X" in\n  a|b) A=1 ;;\n  (*) A=2 # esac\n ;;\nesac', "the command 'case'", ['A']],
    ['for A in 1 2; do\n  echo $A\ndone', "the command 'for'", ['A']],
    ['while read -r A C_d; do :; done < file', "the command 'while'", ['A', 'C_d']],
    ['[[ $X == "(" ]] && A=1', "the command '[['", ['A']],
    ['(( A = 1 ))', 'a subshell or function', ['A']],
    ['A=1 make all', "the command 'make'", ['A']],
    ['A=1 || true', 'a command list', ['A']],
    ['A=1 | cat', 'a pipeline', ['A']],
    ['f() {\n  A=1\n}', "the command 'f'", ['A']],
    ['function f\n{\n  : ${A:=1}\n}', "the command 'function'", ['A']],
    ['cat > x <<EOF\nA=1\nfi "\nEOF', "the command 'cat'", []],
    ['cat <<-"E"\n\tA=$(\n\tE', "the command 'cat'", []],
    ['echo "A=1 fi" # A=2', "the command 'echo'", []],
    ['unset A', "the command 'unset'", ['A']],
    ['declare -r A=1', "the command 'declare'", ['A']],
    ['A[3]=1', "the command 'A[3]=1'", ['A']],
    ['A=(*.txt)', 'an array with patterns', ['A']],
    ['A=($B)', 'an array with an expansion outside of quotes', ['A']],
    ['{ A=1; }', "the command '{'", ['A']],
    ['( A=1 )', 'a subshell or function', ['A']],
    ['x=$(if true; then case a in a) echo ")" ;; esac; fi) y', "the command 'y'", ['x']],
  ])('%s is passed over as a whole, and what follows is read', (text, what, assigns) => {
    const { unread, variables } = read(`A=before\nEMPTY=0; ${text}\ndocker=after\n`);
    expect(unread).toEqual([expect.objectContaining({ line: 2, endLine: 1 + text.split('\n').length, what })]);
    expect(unread[0]?.assigns).toEqual(assigns);
    expect(variables.get('docker')?.value).toBe('after');
    expect(variables.get('A')?.value).toBe(assigns.includes('A') ? undefined : 'before');
  });

  it('bash agrees on where these statements end', () => {
    const text =
      'if false; then\n case x in x) ;; esac\nfi > /dev/null; A=$(echo ")")b C_d=2; for i in 1; do :; done; docker=x\n';
    expect(weRead(text).values).toEqual({ ...bashReads(text).values, A: undefined });
    expect(bashReads(text).values).toMatchObject({ C_d: '2', docker: 'x' });
  });

  it('a value that is not needed may be anything', () => {
    const { variables } = read('A="${B:-$(hostname)}"\nC_d=${EMPTY:-$(hostname)}\ndocker=${C_d}x');
    expect(variables.get('A')?.value).toBe('from the environment');
    expect(variables.get('C_d')?.unknown).toBe('a command substitution ($(hostname))');
    expect(variables.get('docker')?.unknown).toBe('a command substitution ($(hostname))');
  });

  it.each(['source other.env', '. ./other.env', 'eval "$X"', 'test -e x || return 0'])(
    '%s may set anything',
    (text) => {
      expect(read(text).unread).toMatchObject([{ assignsAnything: true }]);
    },
  );

  it.each(['A=1\nB="x\nC_d=2\n', 'A=1\nif x; then\nC_d=2\n', 'A=1\n)\nC_d=2\n', 'A=1\n;\nC_d=2'])(
    'reads no further than to a mistake: %j',
    (text) => {
      const { variables, unread } = read(text);
      expect(variables.get('A')?.value).toBe('1');
      expect(variables.get('C_d')?.value).toBeUndefined();
      expect(unread.at(-1)).toMatchObject({ what: 'the rest of the file, which a shell would not understand' });
    },
  );

  it('never gets stuck, whatever the text', () => {
    const junk = fc.array(
      oneOf(
        'A',
        '=',
        ' ',
        '\n',
        '"',
        "'",
        '`',
        '$',
        '{',
        '}',
        '(',
        ')',
        '<',
        '<<',
        ';',
        '&',
        '|',
        '#',
        '\\',
        '[[',
        ']]',
        'if ',
        'fi',
        'case ',
        ' in ',
        'esac',
        'do ',
        'for ',
        '\r',
        '\0',
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(junk, (texts) => void evaluateShell(texts.join(''), ENV)),
      { numRuns: 3000 },
    );
  });
});
