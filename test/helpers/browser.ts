import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll } from '@jest/globals';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** As root, without a GPU, and without anything that Chromium would look up in the network by itself. */
const ARGUMENTS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
];

const LAUNCH_MS = 120_000;

/** A page, and what went on behind it. */
export interface OpenedPage {
  readonly page: Page;
  /** Errors of scripts, warnings of the console, violations of the page's policy. */
  readonly complaints: readonly string[];
  /** What was loaded besides the file itself. */
  readonly requests: readonly string[];
}

/** Opens pages in a real Chromium. */
export interface TestBrowser {
  /** @param file absolute path of a page */
  open(file: string, options?: BrowserContextOptions): Promise<OpenedPage>;
}

/** Call once per test file: starts Debian's Chromium before the tests, and ends it after them. */
export const useBrowser = (): TestBrowser => {
  let browser: Browser | undefined;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGUMENTS, timeout: LAUNCH_MS });
  }, LAUNCH_MS);
  afterAll(() => browser?.close(), 60_000);
  return {
    async open(file, options = {}) {
      if (!browser) throw new Error('the browser is started before the tests');
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const complaints: string[] = [];
      const requests: string[] = [];
      const address = pathToFileURL(file).href;
      page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('dialog', (dialog) => {
        complaints.push(`dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      page.on('request', (request) => {
        if (request.url() !== address && !request.url().startsWith('data:')) requests.push(request.url());
      });
      await page.goto(address);
      return { page, complaints, requests };
    },
  };
};

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/** What scripts of the tests do in a page is text: their types are not those of Node. */
export const unfoldAll = (page: Page): Promise<unknown> =>
  page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true");

/** What axe finds wrong with a page for people who do not see it, or not well; all of it unfolded. One line each. */
export const findBarriers = async (page: Page): Promise<string[]> => {
  await unfoldAll(page);
  await page.evaluate(axe);
  const { violations } = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as AxeResults;
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html.slice(0, 200)} ${node.failureSummary ?? ''}`),
  );
};
