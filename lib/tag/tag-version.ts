import { join } from 'node:path';
import { isSlipwayError } from '../errors/index.ts';
import type { Git } from '../git/index.ts';
import { waitForAll } from '../process/index.ts';
import { readVersionFile } from '../version/index.ts';
import { applyTagDecision } from './apply.ts';
import { assembleTagDecision, refuseCheckout, type TagDecision } from './decision.ts';
import { gatherFacts, gatherLocalFacts, gatherRemoteFacts, type LocalFacts, type TagFacts } from './facts.ts';
import { unchangedPaths } from './rules.ts';
import { gatherSubmodules, type SubmoduleTarget } from './submodules.ts';
import type { TagRequest, TagResult, TagTools } from './types.ts';

/** A cache that gives no answer is for the steps that need it to complain about. */
const NO_ANSWER = ['CACHE_UNREACHABLE', 'CACHE_BAD_RESPONSE', 'CACHE_TLS_UNTRUSTED'] as const;

const askCache = async ({ git, hasAll, log }: TagTools, { rules }: TagRequest): Promise<boolean> => {
  const { path, prefix } = rules.versionFile;
  const paths = unchangedPaths(rules, await readVersionFile(join(git.cwd, path), prefix));
  let exist: boolean;
  try {
    exist = await hasAll(paths);
  } catch (error) {
    if (!NO_ANSWER.some((code) => isSlipwayError(error, code))) throw error;
    log.warn(`${(error as Error).message} As in the original the build goes on as if nothing were there.`);
    return false;
  }
  log.info(`The cache ${exist ? 'has' : 'lacks some of'} ${paths.join(', ')}.`);
  return exist;
};

const decide = async (tools: TagTools, request: TagRequest, facts: TagFacts): Promise<TagDecision> => {
  const decision = assembleTagDecision(facts, request);
  if (decision.action !== 'ask-cache') return decision;
  return assembleTagDecision(facts, request, await askCache(tools, request));
};

/** The local facts of a checkout that can be tagged as it is; throws what {@link refuseCheckout} says. */
const gatherUsable = async (
  git: Git,
  request: TagRequest,
  submodules: readonly SubmoduleTarget[],
): Promise<LocalFacts> => {
  const local = await gatherLocalFacts(git, request, submodules);
  const refused = refuseCheckout(local, request);
  if (refused) throw refused;
  return local;
};

/**
 * Tags a version and publishes it, the way of Flatcar's `sdk_bootstrap` and `packages_tag`: writes `version.txt`, commits it, tags the
 * commit and pushes the tag, for a nightly also the branch; gives the submodules that follow the version the same tag; takes a tag that is
 * there already with the same files; and stops a nightly when nothing changed since the previous one. Being run again is always safe.
 *
 * Throws, exit 2: `NOT_A_GIT_CHECKOUT`, `STAGED_CHANGES`, `CHECKOUT_DIRTY`, `VERSION_FILE_MISSING`, `VERSION_FILE_INVALID`; exit 1:
 * `BRANCH_MISSING`, `NOT_ON_BRANCH_HEAD`, `TAG_DIFFERS`, `TAG_TAKEN`, `BRANCH_MOVED`, `PUSH_REJECTED`, `PUSH_FAILED`,
 * `TAG_SETTING_INVALID`, `SUBMODULE_…`, `COMMAND_FAILED`. After an error the clone is as it was, but for what was fetched.
 */
export const tagVersion = async (request: TagRequest, tools: TagTools): Promise<TagResult> => {
  const { git } = tools;
  const submodules = await gatherSubmodules(git, request);
  // Both at once, because both wait for other programs; what is wrong here is said first, whatever the remote answers.
  const [local, remote] = await waitForAll([gatherUsable(git, request, submodules), gatherRemoteFacts(git, request)]);
  const facts = await gatherFacts(git, request, local, remote);
  const decision = await decide(tools, request, facts);
  return applyTagDecision(tools, request, facts, decision);
};
