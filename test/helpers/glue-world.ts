import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dump, load } from 'js-yaml';
import { GENERATORS } from '../../lib/glue/index.ts';
import { parsePipeline, resolveJobs } from '../../lib/pipeline/index.ts';
import type { FixtureWorld, WorldMaker } from './fixture-world.ts';
import { namesIn } from './temp-files.ts';

/** Slipway's own folder. */
export const SLIPWAY = join(import.meta.dirname, '..', '..');

/** A fixture world whose tree has two arches, a pipeline of its own and the glue of one CI, all pushed. */
export interface GlueWorld {
  readonly world: FixtureWorld;
  /** The environment of what a CI runs on its workers. */
  readonly env: Record<string, string | undefined>;
  /** URL of the bare repository; clones may be shallow. */
  readonly url: string;
  /** A change that a nightly would have to build. */
  pushChange(): void;
  /** Containers that are still in the engine. */
  containers(): string[];
  /** Images of an arch in the cache, without digests. */
  images(arch: string): string[];
}

type Yaml = Record<string, unknown>;

/** The embedded definition with two arches and few formats; what cannot be booted here is not tested. */
const pipelineText = (): string => {
  const embedded = load(readFileSync(join(SLIPWAY, 'config/pipeline.yaml'), 'utf8')) as Yaml & { steps: Yaml };
  const { test: _, ...steps } = embedded.steps;
  const formats = { disks: ['qemu'], clouds: ['azure', 'gce'] };
  return dump({ ...embedded, arches: ['amd64', 'arm64'], formats, tests: [], steps });
};

const treeText = (): string => {
  const described = load(readFileSync(join(SLIPWAY, 'config/trees/skiff.yaml'), 'utf8')) as Yaml;
  return dump({ ...described, arches: ['amd64', 'arm64'] });
};

/** The stand-in has no tests; this leaves a file of results where those of a tree would be. */
const RESULTS = `
mkdir -p __TESTS__/fixture
echo '<testsuite name="fixture" tests="1"><testcase name="made" classname="fixture"/></testsuite>' >__TESTS__/fixture/results.xml
`;

/** @param ci a key of GENERATORS */
export const makeGlueWorld = (worlds: WorldMaker, ci: string): GlueWorld => {
  const world = worlds.fresh();
  const tree = join(world.folder, 'two-arches.yaml');
  writeFileSync(tree, treeText());
  const text = pipelineText();
  const pipeline = parsePipeline(text, 'pipeline.yaml');
  const files = GENERATORS[ci]?.files({ pipeline, jobs: resolveJobs(pipeline) }) ?? [];
  world.write('pipeline.yaml', text);
  for (const { path, text: content } of files) {
    mkdirSync(dirname(join(world.tree, path)), { recursive: true });
    world.write(path, content);
  }
  world.write('image_to_vm.sh', readFileSync(join(world.tree, 'image_to_vm.sh'), 'utf8') + RESULTS);
  const commit = (message: string): void => {
    world.git('fetch', '--quiet', 'origin');
    world.git('add', '--all');
    world.git('-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org', 'commit', '--quiet', '-m', message);
    world.git('push', '--quiet', 'origin', 'HEAD:main');
  };
  commit('Pipeline');
  return {
    world,
    env: { ...world.env, SLIPWAY, SLIPWAY_TREE: tree },
    url: `file://${world.origin}`,
    pushChange() {
      world.git('fetch', '--quiet', 'origin');
      world.git('reset', '--quiet', '--hard', 'origin/main');
      world.write('packages/one', `${readFileSync(join(world.tree, 'packages/one'), 'utf8')}# changed\n`);
      commit('Change');
    },
    containers: () => namesIn(join(world.folder, 'engine/containers')),
    images: (arch) =>
      namesIn(join(world.cache, 'images', arch))
        .flatMap((version) => namesIn(join(world.cache, 'images', arch, version)))
        .filter((name) => !/\.(sig|asc|DIGESTS)$/.test(name)),
  };
};
