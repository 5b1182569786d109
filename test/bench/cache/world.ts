import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from '../../../lib/setup/bundle.mjs';
import { startSshd, type TestSshd } from '../../helpers/sshd.ts';
import type { Served } from './server-process.ts';

/** A cache server on this machine (sshd in, static HTTPS out), and what a worker needs to know of it. */
export interface World {
  readonly sshd: TestSshd;
  /** Absolute path of the folder that a way uploads to, and that is served. */
  prefixOf(way: string): string;
  /** Where that folder is served. */
  urlOf(way: string): string;
  readonly caFile: string;
  /** Absolute path of the program of ours that is measured, in one file, as the steps are started. */
  readonly entry: string;
  /** What was served since this was last called. */
  takeServed(): Promise<Served>;
  stop(): Promise<void>;
}

/** Starts both servers. @param folder absolute path of an existing folder */
export const startWorld = async (folder: string): Promise<World> => {
  const at = async (name: string): Promise<string> => {
    await mkdir(join(folder, name), { recursive: true });
    return join(folder, name);
  };
  const root = await at('server');
  const sshd = await startSshd({ folder: await at('sshd') });
  const server = fork(join(import.meta.dirname, 'server-process.ts'), [root, await at('pki')], {
    // It must not inherit what a test runner sets.
    execArgv: [],
  });
  // Where it finds the packages that are loaded when they are needed.
  const entry = join(import.meta.dirname, '../../../node_modules/.slipway-bench/cache.mjs');
  await bundle(join(import.meta.dirname, 'ways/slipway-entry.ts'), entry);
  const ask = async (): Promise<Served> => {
    server.send('served');
    return ((await once(server, 'message')) as [Served])[0];
  };
  const [{ url, caFile }] = (await once(server, 'message')) as [{ url: string; caFile: string }];
  return {
    sshd,
    prefixOf: (way) => join(root, way),
    urlOf: (way) => `${url}/${way}`,
    caFile,
    entry,
    takeServed: ask,
    async stop() {
      server.disconnect();
      await sshd.stop();
    },
  };
};
