import { fill } from '../config/index.ts';
import type { StepContext } from './context.ts';
import type { BuildFacts } from './facts.ts';

/**
 * Makes sure that the engine has the packages image of the build that is checked out.
 *
 * @returns its reference
 * @throws CONTAINER_IMAGE_MISSING, CONTAINER_IMAGE_WRONG_ID and what verification throws
 */
export const fetchPackagesImage = async (context: StepContext, facts: BuildFacts): Promise<string> => {
  const name = fill(context.tree.packages.image, facts);
  const { reference, fetched } = await context.containers.ensure({ name, version: facts.versionTag, registry: '' });
  context.inputs.push(...fetched);
  return reference;
};
