import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

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

/**
 * Puts a program and all that it imports into one file, so that it starts in half the time.
 *
 * @param {string} entryPoint absolute path of a TypeScript source
 * @param {string} outfile absolute path
 */
export const bundle = async (entryPoint, outfile) => {
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
};
