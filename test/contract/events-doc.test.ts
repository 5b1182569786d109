import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { EVENT_KINDS, EVENT_SCHEMA } from '../../lib/log/index.ts';
import { root } from './source-files.ts';

const text = readFileSync(join(root, 'docs/events.md'), 'utf8');

/** A field, with `?` if it may be absent. */
type Field = string;

/** What the document says of a kind. */
interface Documented {
  readonly fields: readonly Field[];
  readonly example: Readonly<Record<string, unknown>>;
}

const documented = new Map<string, Documented>(
  text
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const kind = /^\S+/.exec(section)?.[0] ?? '';
      const fields = [...section.matchAll(/^\| `(\w+\??)` \|/gm)].map(([, field = '']) => field);
      const example = JSON.parse(/^```json\n(.*)\n```$/m.exec(section)?.[1] ?? '{}') as Record<string, unknown>;
      return [kind, { fields, example }];
    }),
);

/** What the types in the code say; `undefined` as a value means that JSON leaves the field out. */
const declared = new Map<string, readonly Field[]>(
  readFileSync(join(root, 'lib/log/events.ts'), 'utf8')
    .split(/^interface /m)
    .flatMap((part) => {
      const kind = /readonly kind: '([\w-]+)'/.exec(part)?.[1];
      const head = part.split('{', 1)[0] ?? '';
      const body = part.split(/^}/m, 1)[0] ?? '';
      if (kind === undefined) return [];
      const own = [...body.matchAll(/^ {2}readonly (\w+)(\??): ([^;]+);/gm)]
        .filter(([, name]) => name !== 'kind')
        .map(([, name, optional, type = '']) => `${name}${optional || type.includes('| undefined') ? '?' : ''}`);
      return [[kind, head.includes('extends Placed') ? [...own, 'phase?'] : own] as const];
    }),
);

test('the document has the kinds of the code, and no others', () => {
  expect(new Set(documented.keys())).toEqual(new Set(EVENT_KINDS));
  expect(new Set(declared.keys())).toEqual(new Set(EVENT_KINDS));
});

test('the document names the format', () => {
  expect(text).toContain(`carries \`schema\`, now ${EVENT_SCHEMA}`);
});

describe.each([...documented])('%s', (kind, { fields, example }) => {
  test('has the fields of its type', () => {
    expect(new Set(fields)).toEqual(new Set(declared.get(kind)));
  });

  test('has an example with all that it must have, and nothing unknown', () => {
    const { time, kind: shown, ...rest } = example;
    expect([new Date(String(time)).toISOString(), shown]).toEqual([time, kind]);
    const known = fields.map((field) => field.replace('?', ''));
    expect(Object.keys(rest).filter((name) => !known.includes(name))).toEqual([]);
    expect(fields.filter((field) => !field.endsWith('?') && !(field in rest))).toEqual([]);
  });
});
