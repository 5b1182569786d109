/**
 * Puts each step into one file, so that it starts in half the time: loading some three hundred small modules takes longer than anything
 * else a step does before its first command (docs/adr/0010-start-bundles.md). Run by enter.mjs; run-step.sh uses a bundle only as long as no
 * source is newer.
 */
import { readFileSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

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

/**
 * In a bundle a module is no longer where its source is; what it says of its place goes on meaning the source. Only the step itself is the program:
 * one step may import another.
 *
 * @param {string} entryPoint
 * @returns {import('esbuild').Plugin}
 */
const keepPlaces = (entryPoint) => ({
  name: 'keep-places',
  setup(plugin) {
    plugin.onLoad({ filter: /[/\\](lib|ci-automation)[/\\].*\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: readFileSync(path, 'utf8')
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        .replaceAll('import.meta.main', JSON.stringify(path === entryPoint)),
    }));
  },
});

/** Beside the folder, and then in its place: a step that starts meanwhile finds a whole bundle or none. */
const madeIn = `${outdir}.${process.pid}`;
/** A source that changes while they are made is newer than they are. */
const startedAt = new Date();

/** @param {string} step */
const bundle = async (step) => {
  const entryPoint = join(root, 'ci-automation', `${step}.ts`);
  const outfile = join(madeIn, `${step}.mjs`);
  await build({
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // Loaded when first used, from where they are.
    external: ['ssh2', 'rsync', 'tar'],
    plugins: [keepPlaces(entryPoint)],
    banner: {
      js: `import { createRequire as __createRequire } from 'node:module';const require = __createRequire(${JSON.stringify(join(root, 'package.json'))});`,
    },
    logLevel: 'warning',
  });
  utimesSync(outfile, startedAt, startedAt);
};

try {
  await Promise.all(STEPS.map(bundle));
  rmSync(outdir, { recursive: true, force: true });
  renameSync(madeIn, outdir);
} finally {
  rmSync(madeIn, { recursive: true, force: true });
}
