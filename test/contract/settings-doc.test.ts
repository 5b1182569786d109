import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { settingsMarkdown } from '../../lib/config/index.ts';

const FILE = join(import.meta.dirname, '..', '..', 'docs', 'settings.md');

it('docs/settings.md has the table that the code has (UPDATE_DOCS=1 writes it)', async () => {
  const text = await readFile(FILE, 'utf8');
  const start = text.indexOf('| setting |');
  if (process.env.UPDATE_DOCS) await writeFile(FILE, text.slice(0, start) + settingsMarkdown());
  else expect(text.slice(start)).toBe(settingsMarkdown());
});
