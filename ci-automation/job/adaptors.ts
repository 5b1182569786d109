import { appendFile, writeFile } from 'node:fs/promises';

type Environment = Readonly<Record<string, string | undefined>>;

/** How a CI takes what a job says. All of it is in the folder of artifacts, too, for those that read files. */
interface CiAdaptor {
  /** Hands on what later jobs need. */
  output(env: Environment, name: string, value: string): Promise<void>;
  /** Shows Markdown on the page of the run. */
  summary(env: Environment, markdown: string): Promise<void>;
}

const appendIf = async (file: string | undefined, text: string): Promise<void> => {
  if (file) await appendFile(file, text);
};

const ADAPTORS: readonly CiAdaptor[] = [
  {
    // GitHub Actions and those that are like it (Gitea, Forgejo).
    output: (env, name, value) => appendIf(env.GITHUB_OUTPUT, `${name}=${value}\n`),
    summary: (env, markdown) => appendIf(env.GITHUB_STEP_SUMMARY, `${markdown}\n`),
  },
  {
    // CIs that take a result from a file of its own, for example Tekton; the glue names the file.
    async output(env, name, value) {
      const file = env[`${name}_FILE`];
      if (file) await writeFile(file, value);
    },
    summary: async () => {},
  },
];

/** Tells every CI that is there. @param name for example `PIPELINE_TAG`; value without line ends */
export const tellOutput = async (env: Environment, name: string, value: string): Promise<void> => {
  for (const { output } of ADAPTORS) await output(env, name, value);
};

/** Shows a summary on every CI that has a place for it. */
export const tellSummary = async (env: Environment, markdown: string): Promise<void> => {
  for (const { summary } of ADAPTORS) await summary(env, markdown);
};
