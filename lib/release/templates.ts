import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { load } from 'js-yaml';
import * as v from 'valibot';
import { fill } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';
import { readFullList } from './image-lists.ts';
import { uploadTemplates } from './publisher.ts';
import type { Release, ReleaseContext, ReleaseRequest } from './types.ts';

const TREES_FOLDER = join(import.meta.dirname, '..', '..', 'config', 'trees');

/** One name per list, for example `amis`; each entry has a region and its image. */
const listSchema = v.record(
  v.string(),
  v.array(v.looseObject({ name: v.string(), hvm: v.optional(v.nullable(v.string())) })),
);

const documentSchema = v.looseObject({ Mappings: v.looseObject({ RegionMap: v.strictObject({}) }) });

/**
 * The image of each region, from the list that the pre-release leaves.
 *
 * @param text JSON such as `{"amis":[{"name":"eu-west-1","hvm":"ami-0123"}]}`
 * @param file for the error texts
 * @throws RELEASE_LIST_INVALID, RELEASE_REGIONS_MISSING
 */
export const parseRegions = (
  text: string,
  regions: readonly string[],
  file: string,
): Record<string, { AMI: string }> => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw slipwayError('RELEASE_LIST_INVALID', { file, reason: (error as Error).message });
  }
  const checked = v.safeParse(listSchema, json);
  if (!checked.success) {
    const [issue] = checked.issues;
    throw slipwayError('RELEASE_LIST_INVALID', {
      file,
      reason: `${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`,
    });
  }
  const images = new Map<string, string>();
  for (const { name, hvm } of Object.values(checked.output).flat()) if (hvm && !images.has(name)) images.set(name, hvm);
  const missing = regions.filter((region) => !images.has(region));
  if (missing.length > 0) throw slipwayError('RELEASE_REGIONS_MISSING', { file, missing });
  return Object.fromEntries(regions.map((region) => [region, { AMI: images.get(region) ?? '' }]));
};

/** The template with its region map, as JSON. @param document with an empty `Mappings.RegionMap` */
export const renderTemplate = (document: unknown, regionMap: Record<string, { AMI: string }>): string => {
  const checked = v.parse(documentSchema, document);
  const whole = { ...checked, Mappings: { ...checked.Mappings, RegionMap: regionMap } };
  return `${JSON.stringify(whole, undefined, 2)}\n`;
};

/** Name of an architecture's template. */
export const templateFile = ({ profile, facts }: Pick<ReleaseRequest, 'profile' | 'facts'>, arch: string): string =>
  fill(profile.templates.file, { ...facts, arch, archSuffix: profile.templates.archSuffix[arch] ?? `-${arch}` });

/** The template without its regions: of the tree itself, if it has the file, else the one beside the tree's description. */
const readDocument = async (root: string, document: string): Promise<unknown> => {
  const own = await readFile(join(root, document), 'utf8').catch(() => undefined);
  return load(own ?? (await readFile(join(TREES_FOLDER, document), 'utf8')));
};

/** Makes the templates of all architectures and uploads them. */
export const publishTemplates = async (context: ReleaseContext, release: Release): Promise<void> => {
  const { profile, arches } = release;
  const { document, regions } = profile.templates;
  const folder = join(context.temp, 'templates');
  if (!context.plan) {
    const empty = await readDocument(context.root, document);
    await mkdir(folder, { recursive: true });
    for (const arch of arches) {
      const list = await readFullList(context, release, arch);
      const regionMap = parseRegions(list, regions, `${profile.imageLists.all} of ${arch}`);
      await writeFile(join(folder, templateFile(release, arch)), renderTemplate(empty, regionMap));
    }
  }
  for (const arch of arches) context.log.info(`Template: ${templateFile(release, arch)}`);
  await uploadTemplates(context, release, context.plan ? 'TEMPLATES' : relative(context.root, folder));
};
