import type { Folding } from '../../lib/log/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const errorText = ({ code, message }: { readonly code: string; readonly message: string }): string =>
  `${code}: ${message}`;

/** GitHub Actions, workflow commands: values are encoded, and the runner looks for commands in every line that a program prints. */
const githubFolding: Folding = {
  nests: false,
  open: (_, name) => `::group::${name}`,
  close: () => '::endgroup::',
  error: (event) => {
    const text = [errorText(event), event.cause, event.fix].filter((part) => part !== undefined).join('\n');
    const encoded = text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
    return `::error title=Slipway::${encoded}`;
  },
  quote: (line) => line.replace(/^(\s*):(?=:)/, '$1: ').replaceAll('##[', '## ['),
};

/** Azure Pipelines, formatting commands; logging commands (`##vso`) in what programs print would be obeyed as well. */
const azureFolding: Folding = {
  nests: false,
  open: (_, name) => `##[group]${name}`,
  close: () => '##[endgroup]',
  error: (event) => `##[error]${errorText(event).replaceAll(/\s*\n\s*/g, ' ')}`,
  quote: (line) => line.replaceAll(/##(?=\[|vso\[)/g, '## '),
};

/** GitLab, custom collapsible sections: escape sequences that its log viewer takes out. */
const gitlabFolding = (nowMs: () => number): Folding => {
  const marker = (what: string, id: number, options = ''): string =>
    `\u001b[0Ksection_${what}:${Math.floor(nowMs() / 1000)}:slipway_${process.pid}_${id}${options}\r\u001b[0K`;
  return {
    nests: true,
    open: (id, name) => `${marker('start', id, '[collapsed=true]')}${name}`,
    close: (id) => marker('end', id),
  };
};

/**
 * How the CI that runs this folds its logs, by the variable that it sets; undefined: it reads plain lines (Jenkins, Buildbot, Bamboo), or there is
 * no CI.
 */
export const foldingFor = (env: Environment, nowMs: () => number = Date.now): Folding | undefined => {
  if (env.GITHUB_ACTIONS) return githubFolding;
  if (env.GITLAB_CI) return gitlabFolding(nowMs);
  if (env.TF_BUILD) return azureFolding;
  return undefined;
};
