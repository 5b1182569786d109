import { createRequire } from 'node:module';

/** The part of the npm package `rsync` that we use: it has no types of its own. */
export interface Rsync {
  flags(flags: string): Rsync;
  set(option: string, value?: string): Rsync;
  shell(command: string): Rsync;
  source(path: string): Rsync;
  destination(path: string): Rsync;
  executable(): string;
  /** Words quoted for a shell. */
  args(): string[];
}

/** Builds rsync commands; loaded when first asked for. */
export const RsyncBuilder = createRequire(import.meta.url)('rsync') as new () => Rsync;
