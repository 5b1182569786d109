import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { misuse } from './fault.ts';
import { nearestName } from './vm-nearest.ts';

/** A small file that travels with the image: a template of vms/templates filled in, or a file of the SDK copied. */
export interface Companion {
  /** Name below vms/templates; empty when `copy` is given. */
  readonly template: string;
  /** Absolute path in the SDK; empty when `template` is given. */
  readonly copy: string;
  readonly as: string;
}

/** One row of vms/formats.yaml: everything that tells this vendor format from the others. */
export interface Format {
  readonly name: string;
  readonly about: string;
  /** Name of a writer in vm-writers.ts. */
  readonly writer: string;
  /** File name of the image. */
  readonly image: string;
  /** False when the file is compressed by nature and vendors take it only like that. */
  readonly compress: boolean;
  /** The disk grows to the next multiple of this, in MiB. */
  readonly sizeMultipleMiB: number;
  readonly companions: readonly Companion[];
  /** What this row has to say in its templates, besides name, image and version. */
  readonly values: Readonly<Record<string, string>>;
  /** Template that the writer itself needs, such as an OVF descriptor; empty for none. */
  readonly template: string;
}

const keys = ['about', 'writer', 'ext', 'compress', 'sizeMultipleMiB', 'companions', 'values', 'template'];

/**
 * Turn the parsed formats.yaml into rows, checking each key and its type.
 * @param table the whole document; `writers` are the writer names a row may use
 * Throws a Fault (exit 2) that names the row and the key.
 */
export function parseFormats(table: unknown, writers: readonly string[]): Map<string, Format> {
  const rows = asRecord(asRecord(table, 'formats.yaml').formats, 'formats.yaml: formats');
  return new Map(Object.entries(rows).map(([name, row]) => [name, parseRow(name, asRecord(row, name), writers)]));
}

/** Find a row by name. Throws a Fault (exit 2) that lists the known formats, nearest first. */
export function findFormat(formats: ReadonlyMap<string, Format>, name: string): Format {
  const format = formats.get(name);
  if (format) return format;
  const known = [...formats.keys()].toSorted((a, b) => a.localeCompare(b));
  const near = nearestName(name, known);
  const hint = near ? ` Did you mean ${near}?` : '';
  const seen = name === '' ? '--format is missing.' : `unknown format "${name}".${hint}`;
  throw misuse(`${seen} Known formats: ${known.join(' ')}`);
}

/** Read a template of vms/templates and replace each {{name}}; throws a Fault for a name without a value. */
export async function fillTemplate(file: string, values: Readonly<Record<string, string | number>>): Promise<string> {
  const text = await readFile(file, 'utf8');
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_, key: string) => {
    const value = values[key];
    if (value !== undefined) return String(value);
    throw misuse(`${path.basename(file)} asks for {{${key}}}, known are: ${Object.keys(values).join(' ')}`);
  });
}

function parseRow(name: string, row: Record<string, unknown>, writers: readonly string[]): Format {
  const stray = Object.keys(row).find((key) => !keys.includes(key));
  if (stray) throw misuse(`formats.yaml: ${name}: unknown key "${stray}"; known: ${keys.join(' ')}`);
  const writer = asText(row.writer, `${name}.writer`);
  if (!writers.includes(writer)) {
    throw misuse(`formats.yaml: ${name}: unknown writer "${writer}"; known: ${writers.join(' ')}`);
  }
  return {
    name,
    about: asText(row.about, `${name}.about`),
    writer,
    image: `skiff_production_${name}_image.${asText(row.ext, `${name}.ext`)}`,
    compress: row.compress !== false,
    sizeMultipleMiB: Number(row.sizeMultipleMiB ?? 1),
    companions: asList(row.companions).map((item) => parseCompanion(name, asRecord(item, `${name}.companions`))),
    values: parseValues(row.values, `${name}.values`),
    template: row.template === undefined ? '' : asText(row.template, `${name}.template`),
  };
}

function parseValues(values: unknown, where: string): Record<string, string> {
  const entries = Object.entries(values === undefined ? {} : asRecord(values, where));
  return Object.fromEntries(entries.map(([key, value]) => [key, asText(value, `${where}.${key}`)]));
}

function parseCompanion(format: string, row: Record<string, unknown>): Companion {
  const where = `${format}.companions`;
  const { template = '', copy = '' } = row;
  if ((template === '') === (copy === '')) throw misuse(`formats.yaml: ${where}: give either template or copy`);
  return { template: String(template), copy: String(copy), as: asText(row.as, `${where}.as`) };
}

function asRecord(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw misuse(`${where}: expected a table, found ${JSON.stringify(value)}`);
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function asText(value: unknown, where: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw misuse(`formats.yaml: ${where}: expected a text, found ${JSON.stringify(value)}`);
}
