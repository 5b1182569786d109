import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { GENERATORS } from '../../lib/glue/index.ts';
import { findPipelineFile, readPipeline, resolveJobs } from '../../lib/pipeline/index.ts';
import { readTreeDescription } from '../../lib/tree/index.ts';
import { root } from './source-files.ts';

const pipeline = await readPipeline(await findPipelineFile(join(root, 'config')));
const jobs = resolveJobs(pipeline);

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

describe('config/glue', () => {
  test.each(Object.keys(GENERATORS))('has the files of %s as they are made now', (ci) => {
    const made = GENERATORS[ci]?.files({ pipeline, jobs }) ?? [];
    const folder = join(root, 'config/glue', ci);
    // To bring them up to date: npm run glue -- CI --write config/glue/CI
    expect(
      Object.fromEntries(filesBelow(folder).map((path) => [path, readFileSync(join(folder, path), 'utf8')])),
    ).toEqual(Object.fromEntries(made.map(({ path, text }) => [path, text])));
  });

  test('has no folder of another CI', () => {
    expect(new Set(readdirSync(join(root, 'config/glue')))).toEqual(new Set(Object.keys(GENERATORS)));
  });
});

describe('config/pipeline.yaml', () => {
  test('names steps that there are', () => {
    const { version: _, ...steps } = pipeline.steps;
    const tags = Object.values(pipeline.variants).map(({ tag }) => tag);
    const scripts = [...Object.keys(steps), ...tags].map((step) => join('ci-automation', `${step}.ts`));
    expect(scripts.filter((script) => !existsSync(join(root, script)))).toEqual([]);
  });

  test('names arches and formats that the embedded tree has', async () => {
    const tree = await readTreeDescription(join(root, 'config/trees/skiff.yaml'));
    const formats = Object.values(pipeline.formats).flat();
    expect(pipeline.arches.filter((arch) => !tree.arches.includes(arch))).toEqual([]);
    expect(formats.filter((format) => !Object.hasOwn(tree.vms.formats, format))).toEqual([]);
    expect(tree.vms.nightly.filter((format) => !formats.includes(format))).toEqual([]);
  });
});
