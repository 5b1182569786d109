/**
 * Puts each step into one file, so that it starts in half the time: loading some three hundred small modules takes longer than anything
 * else a step does before its first command (docs/adr/0010-start-bundles.md). Run once after the npm packages were installed;
 * run-step.sh uses a bundle only as long as no source is newer.
 */
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const outdir = join(root, 'node_modules/.slipway');

/** `test` loads its checks by path, which would bring a second copy of what they import. */
const STEPS = [
  'sdk_bootstrap',
  'sdk_container',
  'packages_tag',
  'packages',
  'push_pkgs',
  'image',
  'vms',
  'garbage_collect',
  'garbage_collect_github_ci',
  'garbage_collect_releases',
  'release',
];
const entryPoints = STEPS.map((step) => join(root, 'ci-automation', `${step}.ts`));

/** In a bundle a module is no longer where its source is; what it says of its place goes on meaning the source. */
const keepPlaces = {
  name: 'keep-places',
  /** @param {import('esbuild').PluginBuild} plugin */
  setup(plugin) {
    plugin.onLoad({ filter: /[/\\](lib|ci-automation)[/\\].*\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: readFileSync(path, 'utf8')
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        .replaceAll('import.meta.main', JSON.stringify(entryPoints.includes(path))),
    }));
  },
};

rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints,
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  chunkNames: 'shared-[hash]',
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // Loaded when first used, from where they are.
  external: ['ssh2', 'rsync', 'tar'],
  plugins: [keepPlaces],
  banner: {
    js: `import { createRequire as __createRequire } from 'node:module';const require = __createRequire(${JSON.stringify(join(root, 'package.json'))});`,
  },
  logLevel: 'warning',
});
