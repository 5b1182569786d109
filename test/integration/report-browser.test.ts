import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { buildRun, loadSteps, renderReport } from '../../lib/report/index.ts';
import { findBarriers, unfoldAll, useBrowser } from '../helpers/browser.ts';
import { type TimedEvent, writeRecording } from '../helpers/recordings.ts';
import { failedStep, goodStep, HOSTILE } from '../helpers/report-events.ts';
import { useTempFolders } from '../helpers/temp.ts';

const makeFolder = useTempFolders();
const browser = useBrowser();

const LIMIT_MS = 120_000;

/** Writes the report on the newest of the recorded steps. */
const makePage = async (...recordings: readonly (readonly TimedEvent[])[]): Promise<string> => {
  const folder = makeFolder();
  for (const events of recordings) writeRecording(folder, events);
  const { steps, earlier } = await loadSteps([folder], () => {});
  const file = join(folder, 'report.html');
  const options = { cacheUrl: 'https://cache.test', now: new Date(), slipwayVersion: '0.1.0' };
  writeFileSync(file, renderReport(buildRun(steps, earlier), options));
  return file;
};

let file = '';
beforeAll(async () => {
  const lines = Array.from({ length: 500 }, (_, index) => `line ${index + 1}: something was done`);
  file = await makePage(
    goodStep(-500, 2, '1.0.0'),
    goodStep(0),
    failedStep(100, [...lines, 'no space left on device']),
  );
}, LIMIT_MS);

describe.each(['light', 'dark'] as const)('the report in %s', (colorScheme) => {
  test(
    'loads nothing, complains of nothing, and has no barriers',
    async () => {
      const { page, complaints, requests } = await browser.open(file, { colorScheme });
      expect(await page.title()).toBe('4888.0.0+nightly-20261128-1700: failed');
      const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
      expect(background).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 23, 28)');
      expect(await findBarriers(page)).toEqual([]);
      expect({ complaints, requests }).toEqual({ complaints: [], requests: [] });
      await page.context().close();
    },
    LIMIT_MS,
  );
});

describe('with the keyboard', () => {
  test(
    'the first key leads past the navigation, and a few more to the log that failed',
    async () => {
      const { page } = await browser.open(file);
      const focused = (): Promise<string> => page.evaluate('document.activeElement.textContent');
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('Skip to the content');
      await page.keyboard.press('Enter');
      expect(await page.evaluate('document.activeElement.id')).toBe('main');
      for (let keys = 0; keys < 5 && (await focused()) !== 'The log of the command that failed'; keys += 1)
        await page.keyboard.press('Tab');
      expect(await focused()).toBe('The log of the command that failed');
      await page.keyboard.press('Enter');
      await page.waitForFunction("document.activeElement.localName === 'summary'");
      expect(await focused()).toContain('./build_image');
      await page.keyboard.press('Tab');
      expect(await focused()).toContain('line 1: something was done');
      await page.keyboard.press('Tab');
      expect(await focused()).toContain('no space left on device');
      const { top, bottom, height } = (await page.evaluate(
        '({ ...document.activeElement.getBoundingClientRect().toJSON(), height: innerHeight })',
      )) as { top: number; bottom: number; height: number };
      expect(bottom > 0 && top < height).toBe(true);
      await page.context().close();
    },
    LIMIT_MS,
  );

  test(
    'a link to something folded unfolds all around it',
    async () => {
      const { page } = await browser.open(file);
      expect(await page.locator('#step-1-command-3').isVisible()).toBe(false);
      await page.evaluate("location.hash = '#step-1-command-3'");
      await page.waitForFunction("document.activeElement.closest('details')?.id === 'step-1-command-3'");
      expect(await page.locator('#step-1-command-3 pre').isVisible()).toBe(true);
      await page.context().close();
    },
    LIMIT_MS,
  );
});

test.each([320, 640])(
  '%i pixels wide it does not scroll sideways, however much is unfolded',
  async (width) => {
    const { page } = await browser.open(file, { viewport: { width, height: 700 } });
    await unfoldAll(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    await page.context().close();
  },
  LIMIT_MS,
);

test(
  'on paper it is black on white, without the navigation, and the log that failed is whole',
  async () => {
    const { page } = await browser.open(file, { colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const colours = '[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]';
    expect(await page.evaluate(colours)).toEqual(['rgb(27, 31, 39)', 'rgb(255, 255, 255)']);
    expect(await page.locator('nav').isVisible()).toBe(false);
    const cut =
      "[...document.querySelectorAll('details[open] pre')].filter((one) => one.scrollHeight > one.clientHeight + 2).length";
    expect(await page.evaluate(cut)).toBe(0);
    expect((await page.pdf({ format: 'A4' })).subarray(0, 5).toString()).toBe('%PDF-');
    await page.context().close();
  },
  LIMIT_MS,
);

test(
  'without scripts everything can be read',
  async () => {
    const { page, complaints } = await browser.open(file, { javaScriptEnabled: false });
    expect(await page.locator('#step-2-command-3').textContent()).toContain('no space left on device');
    expect(await page.locator('svg.gantt').first().isVisible()).toBe(true);
    expect(complaints).toEqual([]);
    await page.context().close();
  },
  LIMIT_MS,
);

test(
  'what commands print cannot do anything to the page',
  async () => {
    const hostile = await makePage(goodStep(0), failedStep(100, HOSTILE));
    const { page, complaints, requests } = await browser.open(hostile);
    const state = await page.evaluate(`({
      hacked: 'hacked' in globalThis,
      headings: document.querySelectorAll('h1').length,
      foreign: document.querySelectorAll('main img, main script, base, iframe, svg:not(.gantt)').length,
      outside: document.body.children.length,
    })`);
    expect(state).toEqual({ hacked: false, headings: 1, foreign: 0, outside: 6 });
    expect(await page.locator('#step-2-command-3').textContent()).toContain(HOSTILE[0]);
    expect({ complaints, requests }).toEqual({ complaints: [], requests: [] });
    await page.context().close();
  },
  LIMIT_MS,
);

test(
  'a hundred thousand lines are a page that opens',
  async () => {
    const lines = Array.from({ length: 100_000 }, (_, index) => `[${index}] cc -O2 -c file-${index}.c`);
    const { page } = await browser.open(await makePage(goodStep(0), failedStep(100, lines)));
    expect(await page.locator('#step-2-command-3').textContent()).toContain('99,600 lines are left out here');
    expect(await page.evaluate("document.querySelectorAll('*').length")).toBeLessThan(3000);
    await page.context().close();
  },
  LIMIT_MS,
);
