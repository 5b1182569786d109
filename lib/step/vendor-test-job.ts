import { access, constants, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fill, nearest } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';
import type { VendorScripts } from '../vendor-tests/index.ts';
import type { StepContext } from './context.ts';
import { type BuildFacts, readBuildFacts } from './facts.ts';

/** What to test. */
export interface OwnTestRequest {
  readonly arch: string;
  /** Name of a vendor script without `.sh`. */
  readonly vendor: string;
  /** Names or patterns; none: all. */
  readonly tests: readonly string[];
}

/** The request with all that is known about it. */
export interface OwnTestJob extends OwnTestRequest {
  readonly scripts: VendorScripts;
  readonly facts: BuildFacts;
  readonly container: string;
  /** Reference of the image with the test tools. */
  readonly image: string;
  readonly workFolder: string;
}

/** The text of a file, or undefined when there is none. @param file absolute path */
export const readIfThere = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

const isExecutable = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );

const requireVendor = async (context: StepContext, { folder }: VendorScripts, vendor: string): Promise<void> => {
  const names = (await readdir(context.workspace.resolve(folder)).catch(() => [])).filter((name) =>
    name.endsWith('.sh'),
  );
  const known: string[] = [];
  for (const name of names.sort()) {
    if (await isExecutable(join(context.workspace.resolve(folder), name))) known.push(name.slice(0, -'.sh'.length));
  }
  if (known.includes(vendor)) return;
  throw slipwayError('VENDOR_UNKNOWN', { vendor, known, nearest: nearest(vendor, known), folder });
};

const requireWorkFolder = (folder: string): string => {
  if (/^[\w.-]+$/.test(folder) && !/^\.{1,2}$/.test(folder)) return folder;
  throw slipwayError('TEST_FOLDER_INVALID', { folder });
};

const requireImage = async ({ settings, workspace }: StepContext, { imageFile }: VendorScripts): Promise<string> => {
  if (settings.MANTLE_REF !== '') return settings.MANTLE_REF;
  const text = await readIfThere(workspace.resolve(imageFile));
  const reference = text?.trim() ?? '';
  if (/^\w\S*$/.test(reference)) return reference;
  const reason = text === undefined ? 'is not there' : 'does not hold one reference';
  throw slipwayError('TEST_IMAGE_UNKNOWN', { file: imageFile, reason });
};

/**
 * Gathers what is known, and checks it before anything happens.
 *
 * @throws VENDOR_UNKNOWN, TEST_FOLDER_INVALID, TEST_RUNS_INVALID, TEST_IMAGE_UNKNOWN, errors of the version file
 */
export const openJob = async (
  context: StepContext,
  scripts: VendorScripts,
  request: OwnTestRequest,
): Promise<OwnTestJob> => {
  const { MAX_RETRIES, TEST_WORK_DIR } = context.settings;
  if (MAX_RETRIES < 1) throw slipwayError('TEST_RUNS_INVALID', { maxRetries: MAX_RETRIES });
  const workFolder = requireWorkFolder(TEST_WORK_DIR);
  await requireVendor(context, scripts, request.vendor);
  const image = await requireImage(context, scripts);
  const facts = await readBuildFacts(context, request.arch);
  const container = fill(scripts.container, { ...facts, image: request.vendor });
  const tests = request.tests.length > 0 ? request.tests : ['*'];
  return { ...request, tests, scripts, facts, container, image, workFolder };
};
