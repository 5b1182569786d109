/** One row of the verified examples of the original (specification, section 1.4). */
export interface Example {
  readonly text: string;
  /** `ok`: a version. `was ok`: the original takes it, we refuse it on purpose. `no`: neither takes it. */
  readonly accepted: 'ok' | 'was ok' | 'no';
  readonly group: string;
  readonly vernum: string;
  readonly buildId: string;
  readonly cacheForm: string;
  readonly dockerForm: string;
  readonly official: boolean;
}

const rows = `
main-4799.0.0-nightly-20260821-2100|ok|developer|4799.0.0|nightly-20260821-2100|4799.0.0+nightly-20260821-2100|4799.0.0-nightly-20260821-2100|no
main-4799.0.0-nightly-20260821-2100-INTERMEDIATE|ok|developer|4799.0.0|nightly-20260821-2100-INTERMEDIATE|4799.0.0+nightly-20260821-2100-INTERMEDIATE|4799.0.0-nightly-20260821-2100-INTERMEDIATE|no
alpha-3244.0.1-nightly2|ok|alpha|3244.0.1|nightly2|3244.0.1+nightly2|3244.0.1-nightly2|no
alpha-3051.0.0|ok|alpha|3051.0.0||3051.0.0|3051.0.0|yes
beta-3033.1.1|ok|beta|3033.1.1||3033.1.1|3033.1.1|yes
lts-3033.3.18|ok|lts|3033.3.18||3033.3.18|3033.3.18|yes
lts-3033.3.18-nightly-20240101-2100|ok|lts|3033.3.18|nightly-20240101-2100|3033.3.18+nightly-20240101-2100|3033.3.18-nightly-20240101-2100|no
stable-3033.2.4-pro|ok|stable|3033.2.4|pro|3033.2.4+pro|3033.2.4-pro|no
main-1.2.3|ok|developer|1.2.3||1.2.3|1.2.3|yes
stable-3033.2.4-12-gabcdef0|ok|stable|3033.2.4|12-gabcdef0|3033.2.4+12-gabcdef0|3033.2.4-12-gabcdef0|no
main-1.2.3-x-2.0+y|was ok|developer|1.2.3|x-2.0+y|1.2.3+x-2.0+y|1.2.3-x-2.0-y|no
alpha-1.2.3-beta-4.5.6|ok|alpha|1.2.3|beta-4.5.6|1.2.3+beta-4.5.6|1.2.3-beta-4.5.6|no
main-1.2.3-a b|was ok|developer|1.2.3|a b|1.2.3+a b|1.2.3-a b|no
main-1.2.3-$(touch x)|was ok|developer|1.2.3|$(touch x)|1.2.3+$(touch x)|1.2.3-$(touch x)|no
main-4799.0.0-dev_1.2~rc|was ok|developer|4799.0.0|dev_1.2~rc|4799.0.0+dev_1.2~rc|4799.0.0-dev_1.2~rc|no
3244.0.1|no|developer|3244.0.1||3244.0.1|3244.0.1|yes
3244.0.1-nightly2|no|developer|3244.0.1|nightly2|3244.0.1+nightly2|3244.0.1-nightly2|no
3244.0.1+nightly2|no|developer|3244.0.1|nightly2|3244.0.1+nightly2|3244.0.1-nightly2|no
3244.0.1-a+b-c|no|developer|3244.0.1|a+b-c|3244.0.1+a+b-c|3244.0.1-a-b-c|no
alpha-3244.0.1+nightly2|no|alpha|3244.0.1|nightly2|3244.0.1+nightly2|3244.0.1-nightly2|no
main-1.2.3-|no|developer|1.2.3||1.2.3|1.2.3|yes
1.2.3-|no|developer|1.2.3||1.2.3|1.2.3|yes
main-1.2.3+|no|developer|1.2.3||1.2.3|1.2.3|yes
1.2.3-INTERMEDIATE|no|developer|1.2.3|INTERMEDIATE|1.2.3+INTERMEDIATE|1.2.3-INTERMEDIATE|no
main-1.2|no|developer|1.2||1.2|1.2|no
edge-1.2.3|no|developer|1.2.3||1.2.3|1.2.3|yes
lts-2022-3033.3.1|no|lts|2022|3033.3.1|2022+3033.3.1|2022-3033.3.1|no
alpha-1.2.3.4-foo|no|alpha|1.2.3.4|foo|1.2.3.4+foo|1.2.3.4-foo|no
alpha-1.2.3foo|no|alpha|1.2.3||1.2.3|1.2.3|yes
main-1..3-x|no|developer|1..3|x|1..3+x|1..3-x|no
ALPHA-1.2.3|no|developer|||||no
v2234.99.0|no|developer|||||no
HEAD|no|developer|||||no
-1.2.3|no|developer|||||no
 main-1.2.3|no|developer|||||no
|no|developer|||||no
alpha|no|alpha|||||no
4799.0.0+nightly-20260821-2100-github-PR-123-2026_01_02__03_04_05|no|developer|4799.0.0|nightly-20260821-2100-github-PR-123-2026_01_02__03_04_05|4799.0.0+nightly-20260821-2100-github-PR-123-2026_01_02__03_04_05|4799.0.0-nightly-20260821-2100-github-PR-123-2026_01_02__03_04_05|no
`;

/** All rows but the one with two lines, which is a test of its own. */
export const examples: readonly Example[] = rows
  .split('\n')
  .filter((row) => row.includes('|'))
  .map((row) => {
    const [text = '', accepted, group = '', vernum = '', buildId = '', cacheForm = '', dockerForm = '', official] =
      row.split('|');
    return {
      text,
      accepted: accepted as Example['accepted'],
      group,
      vernum,
      buildId,
      cacheForm,
      dockerForm,
      official: official === 'yes',
    };
  });
