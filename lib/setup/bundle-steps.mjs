/**
 * Puts each step into one file, so that it starts in half the time: loading some three hundred small modules takes longer than anything
 * else a step does before its first command (docs/adr/0010-start-bundles.md). Run by enter.mjs; run-step.sh uses a bundle only as long as no
 * source is newer.
 */
import { renameSync, rmSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** Another folder is for tests. */
const outdir = process.argv[2] ?? join(root, 'node_modules/.slipway');

/** `test` loads its checks by path, which would bring a second copy of what they import. */
const STEPS = [
  'sdk_bootstrap',
  'sdk_container',
  'sdk_tag',
  'packages_tag',
  'packages',
  'push_pkgs',
  'image',
  'vms',
  'garbage_collect',
  'garbage_collect_github_ci',
  'garbage_collect_releases',
  'release',
  'verify',
  'cache',
  'doctor',
  'report',
  'watch',
  'job',
];

/** Beside the folder, and then in its place: a step that starts meanwhile finds a whole bundle or none. */
const madeIn = `${outdir}.${process.pid}`;
/** A source that changes while they are made is newer than they are. */
const startedAt = new Date();

/** @param {string} step */
const bundleStep = async (step) => {
  const outfile = join(madeIn, `${step}.mjs`);
  await bundle(join(root, 'ci-automation', `${step}.ts`), outfile);
  utimesSync(outfile, startedAt, startedAt);
};

try {
  await Promise.all(STEPS.map(bundleStep));
  rmSync(outdir, { recursive: true, force: true });
  renameSync(madeIn, outdir);
} finally {
  rmSync(madeIn, { recursive: true, force: true });
}
