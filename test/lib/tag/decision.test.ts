import { describe, expect, it } from '@jest/globals';
import { exitCodeOf } from '../../../lib/errors/index.ts';
import { assembleTagDecision, type ExistingTag, type TagFacts, type TagRequest } from '../../../lib/tag/index.ts';
import { packagesRules, requestFor, sdkRules, VERSION_FILE } from '../../helpers/git-tagging.ts';

const HEAD = 'a'.repeat(40);
const TIP = 'b'.repeat(40);
const TAGGED = 'c'.repeat(40);
const PREVIOUS = 'main-4798.0.0-nightly-20260820-2100';

const none = { staged: [], unstaged: [], untracked: [] };
const release: TagFacts = {
  isNightly: false,
  head: HEAD,
  versionCommitOn: undefined,
  changes: none,
  submodules: [],
  previousTag: undefined,
  versionText: '',
  hasVersionText: false,
  branch: undefined,
  branchTip: undefined,
  existing: undefined,
};
const nightly: TagFacts = { ...release, isNightly: true, branch: 'main', branchTip: HEAD };
const again: TagFacts = { ...nightly, previousTag: PREVIOUS };
const behind: TagFacts = { ...nightly, branchTip: TIP };

const remote = (isEqual: boolean | 'unknown'): ExistingTag => ({
  commit: TAGGED,
  onRemote: true,
  isEqual,
  followsBranch: false,
});
const local = (isEqual: boolean, followsBranch = false): ExistingTag => ({
  commit: TAGGED,
  onRemote: false,
  isEqual,
  followsBranch,
});
const changed = (kind: 'staged' | 'unstaged' | 'untracked', ...files: string[]) => ({
  changes: { ...none, [kind]: files },
});

interface Row {
  readonly name: string;
  readonly facts: TagFacts;
  readonly request?: Partial<TagRequest>;
  readonly cached?: boolean;
  /** The action, or an error's code and exit code. */
  readonly expected: string;
}

const rows: readonly Row[] = [
  { name: '2: not a nightly', facts: release, expected: 'tag-only' },
  {
    name: '2: not a nightly, an earlier tag at HEAD',
    facts: { ...release, previousTag: 'main-1.0.0' },
    expected: 'tag-only',
  },
  { name: '3: no such branch', facts: { ...nightly, branchTip: undefined }, expected: 'BRANCH_MISSING 1' },
  { name: '4: not on the branch head', facts: behind, expected: 'NOT_ON_BRANCH_HEAD 1' },
  {
    name: '4: not on the branch head, shortcuts off',
    facts: behind,
    request: { avoidShortcuts: true },
    expected: 'NOT_ON_BRANCH_HEAD 1',
  },
  {
    name: '4: the branch moved on, and the tag is there',
    facts: { ...behind, existing: remote(true) },
    expected: 'reuse',
  },
  {
    name: '4: the branch moved on, other tag',
    facts: { ...behind, existing: remote(false) },
    expected: 'NOT_ON_BRANCH_HEAD 1',
  },
  { name: '5: shortcuts off', facts: again, request: { avoidShortcuts: true }, expected: 'branch-and-tag main' },
  { name: '7: no earlier tag', facts: nightly, expected: 'branch-and-tag main' },
  {
    name: '8: version file changed since',
    facts: { ...again, ...changed('unstaged', VERSION_FILE) },
    expected: 'CHECKOUT_DIRTY 1',
  },
  { name: '8: … and staged', facts: { ...again, ...changed('staged', VERSION_FILE) }, expected: 'CHECKOUT_DIRTY 1' },
  {
    name: '8: version file is what this run would write',
    facts: { ...again, ...changed('staged', VERSION_FILE), hasVersionText: true },
    cached: false,
    expected: 'branch-and-tag main',
  },
  {
    name: '8: other file changed since',
    facts: { ...again, ...changed('unstaged', 'x') },
    expected: 'CHECKOUT_DIRTY 1',
  },
  {
    name: '8: other file changed since, left alone',
    facts: { ...again, ...changed('unstaged', 'x') },
    request: { rules: { ...sdkRules, uncommitted: 'leave' } },
    expected: 'CHECKOUT_DIRTY 1',
  },
  { name: '10: nothing changed: asks', facts: again, expected: 'ask-cache' },
  { name: '10: nothing changed, all there', facts: again, cached: true, expected: 'stop-unchanged' },
  {
    name: '10: nothing changed, said to be there',
    facts: again,
    request: { imagesExist: 'yes' },
    expected: 'stop-unchanged',
  },
  { name: '11: nothing changed, something missing', facts: again, cached: false, expected: 'branch-and-tag main' },
  {
    name: '11: nothing changed, said to be missing',
    facts: again,
    request: { imagesExist: 'no' },
    expected: 'branch-and-tag main',
  },
  { name: '12: invalid setting', facts: again, request: { imagesExist: 'maybe' }, expected: 'TAG_SETTING_INVALID 1' },
  {
    name: '12: invalid setting that does not matter',
    facts: nightly,
    request: { imagesExist: 'maybe' },
    expected: 'branch-and-tag main',
  },
  { name: '5a: equal tag on the remote', facts: { ...release, existing: remote(true) }, expected: 'reuse' },
  {
    name: '5a: tag on the remote, not fetched (plan)',
    facts: { ...release, existing: remote('unknown') },
    expected: 'reuse',
  },
  { name: '5a: equal tag on the remote, nightly', facts: { ...nightly, existing: remote(true) }, expected: 'reuse' },
  {
    name: '5a: … and all artifacts there',
    facts: { ...again, existing: remote(true) },
    cached: true,
    expected: 'stop-unchanged',
  },
  {
    name: '5a: … and artifacts missing',
    facts: { ...again, existing: remote(true) },
    cached: false,
    expected: 'reuse',
  },
  { name: '5b: other tag on the remote', facts: { ...release, existing: remote(false) }, expected: 'TAG_DIFFERS 1' },
  {
    name: '5b: other tag on the remote, nightly',
    facts: { ...nightly, existing: remote(false) },
    expected: 'TAG_DIFFERS 1',
  },
  { name: '5b: other local tag', facts: { ...release, existing: local(false) }, expected: 'TAG_DIFFERS 1' },
  { name: 'equal local tag', facts: { ...release, existing: local(true) }, expected: 'push-existing' },
  {
    name: 'equal local tag on the branch',
    facts: { ...nightly, existing: local(true, true) },
    expected: 'push-existing main',
  },
  {
    name: 'equal local tag that HEAD is at',
    facts: { ...behind, existing: local(true, true) },
    expected: 'push-existing main',
  },
  {
    name: 'equal local tag beside the branch',
    facts: { ...nightly, existing: local(true) },
    expected: 'TAG_DIFFERS 1',
  },
  {
    name: 'equal local tag beside the branch, HEAD too',
    facts: { ...behind, existing: local(true) },
    expected: 'NOT_ON_BRANCH_HEAD 1',
  },
  { name: 'left-over commit', facts: { ...release, versionCommitOn: TIP }, expected: 'tag-only (committed)' },
  {
    name: 'left-over commit on the branch',
    facts: { ...behind, versionCommitOn: TIP },
    expected: 'branch-and-tag main (committed)',
  },
  {
    name: 'left-over commit, branch moved',
    facts: { ...behind, versionCommitOn: 'd' },
    expected: 'NOT_ON_BRANCH_HEAD 1',
  },
  {
    name: 'version commit that is the branch head',
    facts: { ...nightly, versionCommitOn: TIP },
    expected: 'branch-and-tag main',
  },
  {
    name: 'dirty: staged',
    facts: { ...release, ...changed('staged', 'x', VERSION_FILE) },
    expected: 'STAGED_CHANGES 2',
  },
  { name: 'dirty: unstaged', facts: { ...release, ...changed('unstaged', 'x') }, expected: 'CHECKOUT_DIRTY 2' },
  {
    name: 'dirty: untracked source',
    facts: { ...nightly, ...changed('untracked', 'x') },
    expected: 'CHECKOUT_DIRTY 2',
  },
  {
    name: 'dirty: only the version file',
    facts: { ...release, ...changed('unstaged', VERSION_FILE) },
    expected: 'tag-only',
  },
  {
    name: 'dirty: unstaged, left alone',
    facts: { ...release, ...changed('unstaged', 'x') },
    request: { rules: { ...sdkRules, uncommitted: 'leave' } },
    expected: 'tag-only',
  },
  {
    name: 'dirty: staged is never left alone',
    facts: { ...release, ...changed('staged', 'x') },
    request: { rules: { ...sdkRules, uncommitted: 'leave' } },
    expected: 'STAGED_CHANGES 2',
  },
  {
    name: 'dirty, nightly with shortcuts off',
    facts: { ...again, ...changed('unstaged', 'x') },
    request: { avoidShortcuts: true },
    expected: 'CHECKOUT_DIRTY 2',
  },
  {
    name: 'packages: branch of the major',
    facts: { ...nightly, branch: 'flatcar-4500' },
    request: { rules: packagesRules },
    expected: 'branch-and-tag flatcar-4500',
  },
];

const summarise = ({ facts, request, cached }: Row): string => {
  const version = facts.isNightly ? 'main-4799.0.0-nightly-20260821-2100' : 'main-4799.0.0';
  const decision = assembleTagDecision(facts, requestFor(version, sdkRules, request), cached);
  if (decision.action === 'refuse') return `${decision.error.code} ${exitCodeOf(decision.error)}`;
  const branch = 'branch' in decision && decision.branch !== undefined ? ` ${decision.branch}` : '';
  return `${decision.action}${branch}${'isCommitted' in decision && decision.isCommitted ? ' (committed)' : ''}`;
};

describe('assembleTagDecision', () => {
  it.each(rows)('$name', (row) => {
    expect(summarise(row)).toBe(row.expected);
  });

  it('says both commits and what to do', () => {
    const decision = assembleTagDecision(behind, requestFor('main-4799.0.0-nightly-20260821-2100', sdkRules));
    const error = decision.action === 'refuse' ? decision.error : undefined;
    expect(error?.message).toContain(HEAD.slice(0, 12));
    expect(error?.message).toContain(TIP.slice(0, 12));
    expect(error?.hint).toContain('git fetch origin main && git checkout FETCH_HEAD');
  });

  it('names the files that are in the way', () => {
    const decision = assembleTagDecision(
      { ...release, ...changed('unstaged', 'a file') },
      requestFor('main-1.0.0', sdkRules),
    );
    expect(decision.action === 'refuse' && decision.error.hint).toContain('\n  a file');
  });
});
