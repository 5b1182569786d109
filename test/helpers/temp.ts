import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';

/** Makes a new folder; it is removed after the tests of the file. */
export type MakeFolder = (name?: string) => string;

/** Call once per test file (or `describe`): gives a maker of temporary folders. */
export const useTempFolders = (): MakeFolder => {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return (name = 'test') => {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), `slipway-${name}-`));
    folders.push(folder);
    return folder;
  };
};
