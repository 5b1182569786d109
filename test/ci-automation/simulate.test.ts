import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { formatReport, readFigures, readParameters, study } from '../../lib/simulate/index.ts';
import { useTempFolders } from '../helpers/temp.ts';

jest.setTimeout(300_000);

const ROOT = join(import.meta.dirname, '../..');
const SCRIPT = join(ROOT, 'ci-automation/simulate.ts');
const makeFolder = useTempFolders();

const parametersText = readFileSync(join(ROOT, 'config/simulate.yaml'), 'utf8');

/** The shipped parameters with one small scenario. */
const smallParameters = (change: (text: string) => string = (text) => text): string => {
  const file = join(makeFolder('simulate'), 'parameters.yaml');
  const small = `${parametersText.slice(0, parametersText.indexOf('scenarios:'))}scenarios:\n  - { workers: 2, sites: 2, nightlies: 2, pullRequests: 3 }\n`;
  writeFileSync(file, change(small));
  return file;
};

const run = (...words: string[]) => spawnSync(SCRIPT, words, { encoding: 'utf8', cwd: '/' });

test('docs/scaling.md has the numbers that the simulation prints', async () => {
  const parameters = await readParameters(join(ROOT, 'config/simulate.yaml'));
  const report = formatReport(study(parameters, await readFigures(join(ROOT, 'config/cache-figures.json'))));
  const page = readFileSync(join(ROOT, 'docs/scaling.md'), 'utf8');
  const tables = [...page.matchAll(/^<!-- simulate: (\w+) -->\n((?:\|.*\n)+)/gm)].map(([, name, table]) => [
    name,
    table,
  ]);
  expect(Object.fromEntries(tables)).toEqual(report);
});

describe('simulate', () => {
  test('prints tables, or JSON that is the same for the same seed', () => {
    const parameters = ['--parameters', smallParameters()];
    const text = execFileSync(SCRIPT, parameters, { encoding: 'utf8' });
    for (const title of ['Traffic', 'Workers', 'Disk', 'How many workers']) expect(text).toContain(title);
    const [one, same, other] = [[], [], ['--seed', '2']].map((more) => run('--json', ...parameters, ...more).stdout);
    expect(JSON.parse(one ?? '')).toMatchObject({ seed: 1, scenarios: [{ scenario: { workers: 2 } }] });
    expect(same).toBe(one);
    expect(other).not.toBe(one);
  });

  test.each([
    ['a wrong key', (text: string) => `${text}more: 1\n`, 'more'],
    ['a need that is not there', (text: string) => text.replace('[sdk_container]', '[sdk_contain]'), 'sdk_contain'],
    ['a file that nobody writes', (text: string) => text.replace('reads: [virtual]', 'reads: [azure]'), 'azure'],
    ['no YAML', () => '{', 'parameters.yaml'],
  ])('names %s', (_what, change, word) => {
    const { status, stderr } = run('--parameters', smallParameters(change));
    expect(status).toBe(2);
    expect(stderr).toContain('SIMULATE_FILE_INVALID');
    expect(stderr).toContain(word);
  });

  test.each([[['--seed', 'x']], [['word']], [['--figures', '/nowhere']], [['--unknown']]])('refuses %j', (words) => {
    expect(run(...words).status).toBe(2);
  });

  test('takes a record of the benchmark', async () => {
    const image = (name: string, contentBytes: number) => ({ image: name, stored: { contentBytes, indexBytes: 0 } });
    const nights = (sdk: number, packages: number) => [image('bench-sdk', sdk), image('bench-packages', packages)];
    const way = (first: number, later: number, served: number) => ({
      nights: {
        first: nights(first, first),
        touched: nights(0, 0),
        userland: nights(later, later),
        kernel: nights(later, later),
      },
      fetches: { 'built yesterday': { served: { contentBytes: served, indexBytes: 0 } } },
    });
    const plain = { ...way(1000, 1000, 500), nights: { ...way(1000, 1000, 500).nights, touched: nights(1000, 1000) } };
    const file = join(makeFolder('record'), 'bench.json');
    writeFileSync(file, JSON.stringify({ bench: 'cache', ways: { plain, 'slipway-dedup': way(400, 20, 10) } }));
    expect(await readFigures(file)).toEqual({
      plainBytes: { sdk: 1000, packages: 1000 },
      stored: { first: 0.4, touched: 0, userland: 0.02, kernel: 0.02 },
      downloaded: { builtYesterday: 0.02 },
    });
  });
});
