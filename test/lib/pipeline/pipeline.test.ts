import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { SlipwayError } from '../../../lib/errors/index.ts';
import { parsePipeline, resolveJobs } from '../../../lib/pipeline/index.ts';

const EMBEDDED = readFileSync(join(import.meta.dirname, '../../../config/pipeline.yaml'), 'utf8');

const SMALL = `
name: small
arches: [amd64, arm64]
formats: { disks: [qemu, raw], clouds: [azure] }
tests: [qemu]
variants: { nightly: { version: date, tag: sdk_tag }, release: { version: given, tag: packages_tag, without: [sdk] } }
workers: { labels: [big], container: worker:1 }
artifacts: { folder: kept, keepDays: 3, collect: { results: [], events: [], reports: [], logs: [], junit: [] } }
steps:
  test: { for: [arches, tests], arguments: ['\${arch}', '\${test}'], needs: [vms], timeoutMinutes: 5 }
  vms: { for: [arches, formats], arguments: ['\${arch}', '\${formats}'], needs: [image], timeoutMinutes: 5, retries: 1 }
  image: { for: [arches], arguments: ['\${arch}'], needs: [sdk], timeoutMinutes: 5 }
  sdk: { needs: [version], timeoutMinutes: 5 }
  version: { timeoutMinutes: 5 }
`;

const faultsOf = (text: string): string[] => {
  try {
    parsePipeline(text, 'pipeline.yaml');
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'PIPELINE_INVALID') return error.data.faults as string[];
    throw error;
  }
  return [];
};

describe('the jobs of a pipeline', () => {
  const jobs = resolveJobs(parsePipeline(SMALL, 'small'));
  const needsOf = (id: string) => jobs.find((job) => job.id === id)?.needs;

  test('come after those that they need, whatever the order in the file', () => {
    for (const [at, { needs }] of jobs.entries()) {
      const before = jobs.slice(0, at).map(({ id }) => id);
      expect(needs.filter((need) => !before.includes(need))).toEqual([]);
    }
    expect(jobs[0]?.id).toBe('version');
  });

  test('are one for each arch, group of formats and test', () => {
    expect(jobs.map(({ id }) => id)).toEqual([
      ...['version', 'sdk', 'image-amd64', 'image-arm64'],
      ...['vms-amd64-disks', 'vms-amd64-clouds', 'vms-arm64-disks', 'vms-arm64-clouds'],
      ...['test-amd64-qemu', 'test-arm64-qemu'],
    ]);
  });

  test('wait only for jobs of the same arch, and a test for the group that makes its format', () => {
    expect(needsOf('vms-arm64-clouds')).toEqual(['image-arm64']);
    expect(needsOf('test-amd64-qemu')).toEqual(['vms-amd64-disks']);
    expect(needsOf('image-arm64')).toEqual(['sdk']);
  });

  test('say what to call, how long it may take, and in which variants they have something to do', () => {
    expect(jobs.find(({ id }) => id === 'vms-amd64-disks')).toMatchObject({
      step: 'vms',
      matrix: { arch: 'amd64', group: 'disks', formats: ['qemu', 'raw'] },
      words: ['vms', 'amd64', 'qemu', 'raw'],
      timeoutMinutes: 5,
      retries: 1,
      variants: ['nightly', 'release'],
    });
    expect(jobs.find(({ id }) => id === 'sdk')).toMatchObject({ words: ['sdk'], retries: 0, variants: ['nightly'] });
  });
});

describe('a definition', () => {
  test('of ours is right, and the small one of this test', () => {
    expect(faultsOf(EMBEDDED)).toEqual([]);
    expect(faultsOf(SMALL)).toEqual([]);
  });

  test('with several faults of form has all of them named, with the key that was meant', () => {
    const wrong = SMALL.replace('name: small', 'nmae: small')
      .replace('keepDays: 3', 'keepDays: 0')
      .replace('for: [arches, formats]', 'for: [arches, format]')
      .replace('folder: kept', 'folder: ../kept')
      .replace('needs: [sdk]', 'need: [sdk]');
    const faults = faultsOf(wrong);
    expect(faults).toHaveLength(6);
    expect(faults).toContain('name: is missing');
    expect(faults).toContain("nmae: there is no such key; did you mean 'name'?");
    expect(faults).toContain("steps.image.need: there is no such key; did you mean 'needs'?");
    expect(faults.join('\n')).toMatch(/artifacts\.folder: must be a path below the checkout/);
    expect(faults.join('\n')).toMatch(/artifacts\.keepDays: .*1/);
  });

  test.each([
    [
      'a need that is no step',
      'needs: [vms]',
      'needs: [vmss]',
      "steps.test.needs: there is no 'vmss'; did you mean 'vms'?",
    ],
    ['a loop', 'needs: [sdk]', 'needs: [test]', 'steps: test, vms, image wait for each other'],
    [
      'a test of what nobody makes',
      'tests: [qemu]',
      'tests: [qeum]',
      "tests: there is no 'qeum'; did you mean 'qemu'?",
    ],
    ['a format in two groups', '[azure]', '[raw]', "formats: 'raw' is there twice"],
    [
      'a placeholder without its values',
      "['${arch}', '${test}']",
      "['${formats}']",
      "steps.test.arguments: ${formats} needs 'for' to have formats",
    ],
    [
      'an unknown placeholder',
      "['${arch}', '${test}']",
      "['${arhc}']",
      "steps.test.arguments: there is no 'arhc'; did you mean 'arch'?",
    ],
    [
      'a variant without an unknown step',
      'without: [sdk]',
      'without: [sdkk]',
      "variants.release.without: there is no 'sdkk'; did you mean 'sdk'?",
    ],
    [
      'a scheduled run without a version',
      'version: given,',
      'version: given, schedule: 0 1 * * 1,',
      'variants.release.schedule: nobody gives a version to a scheduled run',
    ],
    [
      'a step that waits for nothing',
      'needs: [version]',
      'needs: []',
      "steps.sdk.needs: it must wait for something, at least 'version'",
    ],
    [
      'no first step',
      'version: { timeoutMinutes: 5 }',
      'versio: { needs: [sdk], timeoutMinutes: 5 }',
      "steps: there must be 'version', which decides the version",
    ],
  ])('with %s is refused', (_, from, to, fault) => {
    expect(SMALL).toContain(from);
    expect(faultsOf(SMALL.replace(from, to))).toContain(fault);
  });

  test.each(['0 21 * * *', '*/15 0-6 1,15 * 1-5'])('may be scheduled at %s', (schedule) => {
    expect(faultsOf(SMALL.replace('version: date,', `version: date, schedule: '${schedule}',`))).toEqual([]);
  });

  test.each(['0 21 * *', 'daily', '0 21 * * MON', '0 21 * * * *'])('may not be scheduled at %s', (schedule) => {
    expect(faultsOf(SMALL.replace('version: date,', `version: date, schedule: '${schedule}',`))).toHaveLength(1);
  });

  test.each([
    ['a tab: [unclosed', 1],
    ['', 1],
    ['[]', 7],
  ])('that is no mapping (%j) is a fault, not a crash', (text, count) => {
    expect(faultsOf(text)).toHaveLength(count);
  });
});
