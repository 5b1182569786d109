/**
 * Makes dist/, what `npm pack` puts into the package: JavaScript and declarations of lib/ and ci-automation/, and the data and programs that
 * they find beside them. Runs as the script `prepack`; the sources themselves need no build.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** Another folder is for tests. */
const outDir = resolve(process.argv[2] ?? join(root, 'dist'));

/** Of the checkout, where they install and bundle what a package has already. */
const NOT_PACKED = /^lib\/setup\/(enter|bundle|bundle-steps|stale-bundles|build-package|run-step)\./;
/** What is not compiled: workers and first scripts in plain JavaScript with their declarations, and programs for others. */
const PLAIN = ['lib/**/*.mjs', 'lib/**/*.d.mts', 'lib/setup/policy-rc.d'];
/** Data. The shims are for a checkout beside the tree's own scripts. */
const NOT_DATA = /^config\/(shims\/|tsconfig)/;

const compile = () => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const args = ['--project', join(root, 'config/tsconfig.package.json'), '--outDir', outDir];
  const { status } = spawnSync(process.execPath, [tsc, ...args], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
};

/** @param {string[]} patterns @param {(path: string) => boolean} isWanted */
const copy = (patterns, isWanted) => {
  for (const path of globSync(patterns, { cwd: root, exclude: ['**/node_modules'] }).filter(isWanted)) {
    cpSync(join(root, path), join(outDir, path), { recursive: true });
  }
};

/**
 * tsc writes .js for .ts in the imports of JavaScript; not where workers are named by URL, and not in declarations, where only newer
 * compilers understand it.
 */
const renameImports = () => {
  for (const path of globSync('**/*.{js,d.ts}', { cwd: outDir })) {
    const file = join(outDir, path);
    const text = readFileSync(file, 'utf8');
    const renamed = path.endsWith('.js')
      ? text.replaceAll(/new URL\('(\.[^']+)\.ts', import\.meta\.url\)/g, "new URL('$1.js', import.meta.url)")
      : text.replaceAll(/(\bfrom |\bimport\()(['"])(\.[^'"]+)\.ts\2/g, '$1$2$3.js$2');
    if (renamed !== text) writeFileSync(file, renamed);
  }
};

/** The package's own folder, as the steps see it, is dist/: its version, and that its JavaScript is modules. */
const writeManifest = () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(outDir, 'package.json'), `${JSON.stringify({ version, type: 'module' }, undefined, 2)}\n`);
};

rmSync(outDir, { recursive: true, force: true });
mkdirSync(outDir, { recursive: true });
compile();
copy(PLAIN, (path) => !NOT_PACKED.test(path));
copy(['config/**/*.*', 'config/**/cache-*'], (path) => !NOT_DATA.test(path));
renameImports();
writeManifest();
process.stderr.write(`${relative(process.cwd(), outDir) || '.'} is built.\n`);
