import type { ArtifactRecord } from '../cache/index.ts';
import { type OptionSpec, SETTINGS, type SettingName, type Settings } from '../config/index.ts';
import type { ContainerCache } from '../container/index.ts';
import { PROVENANCE_FOLDER, publishStatement, type UsedImage, versionOfPath } from '../provenance/index.ts';
import type { Signer } from '../signing/index.ts';
import type { StepContext } from './context.ts';
import type { StepSummary } from './definition.ts';
import { readBuildFacts } from './facts.ts';
import { readSource } from './source.ts';

/** What a statement needs besides the context; filled while the step runs. */
export interface Provenance {
  readonly signer: Signer | undefined;
  readonly images: UsedImage[];
  /** Something was published, or with `--plan` would have been. */
  hasPublished: boolean;
  /** Path in the cache of the statement that was published. */
  statement?: string;
}

/** What only the runner of a step knows. */
export interface ProvenanceParts {
  readonly context: StepContext;
  readonly provenance: Provenance;
  readonly arguments: readonly string[];
  readonly startedAt: Date;
  readonly slipwayVersion: string;
}

/** Writes down which images a step uses, also those that the engine has already. */
export const rememberImages = (containers: ContainerCache, images: UsedImage[]): ContainerCache => ({
  ...containers,
  async ensure(image) {
    const ensured = await containers.ensure(image);
    const { id } = ensured;
    if (id !== undefined) images.push({ name: image.name, version: image.version, id });
    return ensured;
  },
});

/** Notes that the step publishes something; with `--plan` nothing else tells. */
export const notePublishing = <Publisher extends { publish(what: never): Promise<readonly ArtifactRecord[]> }>(
  publisher: Publisher,
  provenance: Provenance,
): Publisher => ({
  ...publisher,
  publish(what: never) {
    provenance.hasPublished = true;
    return publisher.publish(what);
  },
});

/** Settings that make a difference to what is built; where it is stored and who signs it do not. */
const BUILD_SETTINGS = [
  'ARCH',
  'AVOID_NIGHTLY_BUILD_SHORTCUTS',
  'CONTAINER_REGISTRY',
  'COREOS_OVERLAY_REF',
  'PORTAGE_STABLE_REF',
  'SLIPWAY_TREE',
] as const satisfies readonly SettingName[];

const buildSettings = (settings: Settings): Record<string, string | boolean> =>
  Object.fromEntries(
    BUILD_SETTINGS.filter((name) => settings[name] !== (SETTINGS[name] as OptionSpec).default || name === 'ARCH').map(
      (name) => [name, settings[name]],
    ),
  );

/** Where the statement is filed: with what was built, and that is not always what is checked out (`sdk_container`). */
const filedUnder = ({ outputs }: StepContext, checkedOut: string): string => {
  const versions = outputs.flatMap(({ path }) => versionOfPath(path) ?? []);
  return versions.includes(checkedOut) ? checkedOut : (versions[0] ?? checkedOut);
};

const publish = async (parts: ProvenanceParts): Promise<string | undefined> => {
  const { context, provenance } = parts;
  const { step, tree, settings, inputs, outputs, cache, temp, log, now } = context;
  const { version } = await readBuildFacts(context, '');
  const path = await publishStatement(
    {
      step,
      arch: parts.arguments.find((word) => tree.arches.includes(word)),
      version: filedUnder(context, version),
      arguments: parts.arguments.map((word) => log.mask(word)),
      settings: buildSettings(settings),
      outputs,
      inputs,
      images: provenance.images,
      made: context.made,
      source: await readSource(context, version),
      builderId: settings.PROVENANCE_BUILDER_ID,
      slipwayVersion: parts.slipwayVersion,
      startedAt: parts.startedAt,
      finishedAt: now(),
    },
    { store: cache.store, signer: provenance.signer, temp },
  );
  provenance.statement = path;
  if (path !== undefined) log.info(`${provenance.signer ? 'Signed' : 'Unsigned'} statement on what was made: ${path}`);
  return path;
};

const planStatement = ({ context, provenance }: ProvenanceParts): void => {
  const { log, cache, step } = context;
  if (!provenance.hasPublished) return;
  const effect = `publish a statement on what ${step} made, below ${PROVENANCE_FOLDER}/ on ${cache.store.location}`;
  log.emit({ kind: 'planned', effect });
};

/**
 * Runs a step and publishes a statement on what it published, after it. A step that failed half-way has published something too, for example the
 * formats that could be made; there, trouble with the statement is only noted, because it must not hide why the step failed.
 */
export const withProvenance = async (
  parts: ProvenanceParts,
  run: () => Promise<StepSummary | undefined>,
): Promise<StepSummary | undefined> => {
  const { context } = parts;
  const { outputs, signal, log, plan } = context;
  let summary: StepSummary | undefined;
  try {
    summary = await run();
  } catch (error) {
    if (outputs.length > 0 && !signal.aborted && !plan) {
      await publish(parts).catch((trouble: Error) =>
        log.warn(`There is no statement on what was made: ${trouble.message}`),
      );
    }
    throw error;
  }
  if (plan) planStatement(parts);
  else if (outputs.length > 0) await publish(parts);
  return summary;
};
