import { join } from 'node:path';
import { readVersionFile } from '../version/index.ts';
import { applyTagDecision } from './apply.ts';
import { assembleTagDecision, refuseCheckout, type TagDecision } from './decision.ts';
import { gatherFacts, gatherLocalFacts, type TagFacts } from './facts.ts';
import { unchangedPaths } from './rules.ts';
import type { TagRequest, TagResult, TagTools } from './types.ts';

const askCache = async ({ git, hasAll, log }: TagTools, { rules }: TagRequest): Promise<boolean> => {
  const { path, prefix } = rules.versionFile;
  const paths = unchangedPaths(rules, await readVersionFile(join(git.cwd, path), prefix));
  const exist = await hasAll(paths);
  log.info(`The cache ${exist ? 'has' : 'lacks some of'} ${paths.join(', ')}.`);
  return exist;
};

const decide = async (tools: TagTools, request: TagRequest, facts: TagFacts): Promise<TagDecision> => {
  const decision = assembleTagDecision(facts, request);
  if (decision.action !== 'ask-cache') return decision;
  return assembleTagDecision(facts, request, await askCache(tools, request));
};

/**
 * Tags a version and publishes it, the way of Flatcar's `sdk_bootstrap` and `packages_tag`: writes `version.txt`, commits it, tags the
 * commit and pushes the tag, for a nightly also the branch; takes a tag that is there already with the same files; and stops a nightly
 * when nothing changed since the previous one. Being run again is always safe.
 *
 * Throws, exit 2: `NOT_A_GIT_CHECKOUT`, `STAGED_CHANGES`, `CHECKOUT_DIRTY`, `VERSION_FILE_MISSING`, `VERSION_FILE_INVALID`; exit 1:
 * `BRANCH_MISSING`, `NOT_ON_BRANCH_HEAD`, `TAG_DIFFERS`, `TAG_TAKEN`, `BRANCH_MOVED`, `PUSH_REJECTED`, `PUSH_FAILED`,
 * `TAG_SETTING_INVALID`, `COMMAND_FAILED`. After an error the clone is as it was, but for what was fetched.
 */
export const tagVersion = async (request: TagRequest, tools: TagTools): Promise<TagResult> => {
  const local = await gatherLocalFacts(tools.git, request);
  const refused = refuseCheckout(local, request);
  if (refused) throw refused;
  const facts = await gatherFacts(tools.git, request, local);
  const decision = await decide(tools, request, facts);
  return applyTagDecision(tools, request, facts, decision);
};
