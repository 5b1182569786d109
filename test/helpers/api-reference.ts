import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../..');

/** One thing that a module of lib/api exports. */
export interface Exported {
  readonly name: string;
  /** The text of its docstring, without the comment's signs; empty when it has none. */
  readonly doc: string;
  /** Its declaration as TypeScript. */
  readonly declaration: string;
  /** It is only there for the compiler. */
  readonly isType: boolean;
}

interface Statement {
  readonly doc: string;
  readonly text: string;
}

/** The end of a comment or of a string that begins at `at`; `at` when none does. */
const skipQuoted = (text: string, at: number): number => {
  if (text.startsWith('/*', at)) return text.indexOf('*/', at) + 2;
  if (text.startsWith('//', at)) return text.indexOf('\n', at);
  const quote = text[at] ?? '';
  if (!['"', "'", '`'].includes(quote)) return at;
  let end = at + 1;
  while (text[end] !== quote) end += text[end] === '\\' ? 2 : 1;
  return end + 1;
};

/** Where the statement that begins at `start` ends: at a semicolon outside of brackets, or at the bracket that closes a body. */
const endOfStatement = (text: string, start: number): number => {
  const hasBody = /^export (declare (abstract )?class|interface)\b/.test(text.slice(start, start + 40));
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const end = skipQuoted(text, at);
    if (end > at) at = end - 1;
    else if ('({['.includes(text[at] ?? '')) depth += 1;
    else if (')}]'.includes(text[at] ?? '')) {
      depth -= 1;
      if (depth === 0 && hasBody && text[at] === '}') return at + 1;
    } else if (text[at] === ';' && depth === 0) return at + 1;
  }
  return text.length;
};

const cleanDoc = (comment: string): string =>
  comment
    .slice('/**'.length, -'*/'.length)
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
    .join('\n')
    .trim();

/** The statements of a declaration file, each with the docstring right before it. */
const statementsOf = (text: string): Statement[] => {
  const statements: Statement[] = [];
  let doc = '';
  for (let at = 0; at < text.length; ) {
    if (/\s/.test(text[at] ?? '')) {
      at += 1;
      continue;
    }
    const end = skipQuoted(text, at);
    if (end > at) {
      if (text.startsWith('/**', at)) doc = cleanDoc(text.slice(at, end));
      at = end;
      continue;
    }
    const stop = endOfStatement(text, at);
    statements.push({ doc, text: text.slice(at, stop) });
    doc = '';
    at = stop;
  }
  return statements;
};

const DECLARED = /^(?:export )?(?:declare )?(?:abstract )?(const|function|class|interface|type)\s+([\w$]+)/;
const FROM = /\bfrom ['"](\.[^'"]+?)(?:\.ts)?['"];?$/;

/** Names of an export list, outside and inside. */
const listed = (text: string): { readonly outer: string; readonly inner: string }[] =>
  (/\{([\s\S]*)\}/.exec(text)?.[1] ?? '')
    .split(',')
    .map((item) => item.trim().replace(/^type\s+/, ''))
    .filter(Boolean)
    .map((item) => {
      const [inner = '', outer = inner] = item.split(/\s+as\s+/);
      return { outer, inner };
    });

const readStatements = (file: string): Statement[] => statementsOf(readFileSync(file, 'utf8'));

const targetOf = (file: string, text: string): string | undefined => {
  const target = FROM.exec(text)?.[1];
  return target === undefined ? undefined : join(dirname(file), `${target}.d.ts`);
};

const shorten = (declaration: string): string => declaration.replace(/^export /, '').replace(/^declare /, '');

/** Follows re-exports to where a name is declared. */
const find = (file: string, name: string): Exported => {
  const statements = readStatements(file);
  for (const { doc, text } of statements) {
    const [, kind = '', declared] = DECLARED.exec(text) ?? [];
    if (declared === name) {
      return { name, doc, declaration: shorten(text), isType: ['interface', 'type'].includes(kind) };
    }
  }
  // A list names it; a star may lead to it.
  for (const { text } of statements) {
    const target = targetOf(file, text);
    if (target === undefined) continue;
    const item = listed(text).find(({ outer }) => outer === name);
    if (item) return find(target, item.inner);
  }
  for (const { text } of statements) {
    const target = targetOf(file, text);
    if (target === undefined || !/^export (type )?\*/.test(text)) continue;
    try {
      return find(target, name);
    } catch {
      // Then another one does.
    }
  }
  throw new Error(`${file} declares no ${name}`);
};

/** What a module exports, in the order of its names. */
const exportsOf = (file: string): Exported[] => {
  const own = new Map<string, Exported>();
  for (const { text } of readStatements(file)) {
    if (!text.startsWith('export')) continue;
    const declared = DECLARED.exec(text)?.[2];
    const target = targetOf(file, text);
    const names = declared ? [declared] : listed(text).map(({ outer }) => outer);
    for (const name of names) {
      const local = target === undefined && !declared ? importedFrom(file, name) : undefined;
      own.set(name, local ?? find(file, name));
    }
  }
  return [...own.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
};

/** A name that was imported and is exported without `from`. */
const importedFrom = (file: string, name: string): Exported | undefined => {
  for (const { text } of readStatements(file)) {
    const target = text.startsWith('import') ? targetOf(file, text) : undefined;
    const item = listed(text).find(({ outer }) => outer === name);
    if (target !== undefined && item) return find(target, item.inner);
  }
  return undefined;
};

/** The modules that package.json exports: how they are imported, and what is in them. */
export type ApiModules = ReadonlyMap<string, readonly Exported[]>;

/** Emits the declarations of the library and reads them. @param folder absolute path of an empty folder */
export const readApi = async (folder: string): Promise<ApiModules> => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const project = ['--project', join(root, 'config/tsconfig.package.json')];
  await promisify(execFile)(process.execPath, [tsc, ...project, '--emitDeclarationOnly', '--outDir', folder]);
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { readonly types: string }>;
  };
  const modules = Object.entries(exports).flatMap(([name, target]) =>
    typeof target === 'string' || name === '.'
      ? []
      : [[name.replace('.', 'slipway'), exportsOf(join(folder, target.types.replace('./dist/', '')))] as const],
  );
  return new Map(modules);
};

/** `{@link x}` and tags as Markdown. */
const docText = (doc: string): string =>
  doc
    .replaceAll(/\{@link ([^}]+)\}/g, '`$1`')
    .replaceAll(/^@param\s+(\S+)\s+/gm, '- `$1`: ')
    .replaceAll(/^@returns\s+/gm, '- returns ')
    .replaceAll(/^@throws\s+/gm, '- throws ')
    .replaceAll(/\n*^@example\s+([^\n]+(?:\n(?!- |@)[^\n]+)*)/gm, '\n\n```ts\n$1\n```');

const section = ({ name, doc, declaration }: Exported): string =>
  [`### ${name}`, '', docText(doc), '', '```ts', declaration, '```', ''].join('\n');

const moduleText = (name: string, exported: readonly Exported[]): string => {
  const values = exported.filter(({ isType }) => !isType);
  const types = exported.filter(({ isType }) => isType);
  return [`## ${name}`, '', ...[...values, ...types].map(section)].join('\n');
};

/** The reference as Markdown, without what comes before the first module. */
export const formatApi = (modules: ApiModules): string =>
  `${[...modules]
    .map(([name, exported]) => moduleText(name, exported))
    .join('\n')
    .trimEnd()}\n`;
