import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { runProgram } from './glue-run.ts';

/** How a Bamboo plan went. */
export interface BambooEnd {
  /** By job; jobs of stages after one that failed are not run. */
  readonly jobs: Readonly<Record<string, 'successful' | 'failed' | 'not run'>>;
  readonly output: string;
}

type Task =
  | 'checkout'
  | {
      readonly script?: {
        readonly interpreter: string;
        readonly scripts: readonly string[];
        readonly environment?: string;
      };
      readonly 'inject-variables'?: { readonly file: string; readonly namespace: string };
      readonly 'test-parser'?: { readonly type: string; readonly 'test-results': readonly string[] };
    };
interface Job {
  readonly tasks: readonly Task[];
  readonly 'final-tasks': readonly Task[];
  readonly artifacts: readonly { readonly name: string; readonly location: string }[];
}
interface Plan {
  readonly variables: Readonly<Record<string, string>>;
  readonly stages: readonly Readonly<Record<string, { readonly jobs: readonly string[] }>>[];
}

/** What a plan runs with. */
export interface BambooRequest {
  /** Absolute path of bamboo.yml. */
  readonly file: string;
  readonly repository: string;
  /** Absolute; workspaces and artifacts go here. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** In place of the plan's, as somebody gives them to a run, and those of the administration. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Bamboo leaves alone what it does not know. */
const fill = (text: string, variables: Readonly<Record<string, string>>): string =>
  text.replace(/\$\{bamboo\.([\w.]+)\}/g, (whole, name: string) => variables[name] ?? whole);

const parseEnvironment = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/(\w+)=(\S*)/g)].map(([, name = '', value = '']) => [name, value]));

/** Executes a plan: stages one after the other, each job in a clone of its own with its final tasks whatever happened. */
export const runBamboo = async (request: BambooRequest): Promise<BambooEnd> => {
  const content = load(readFileSync(request.file, 'utf8')) as Plan & Record<string, Job>;
  mkdirSync(request.folder, { recursive: true });
  const variables: Record<string, string> = { ...content.variables, ...request.variables };
  const jobs: Record<string, 'successful' | 'failed' | 'not run'> = {};
  let output = '';

  const runTask = async (task: Task, workspace: string): Promise<boolean> => {
    if (task === 'checkout') {
      return spawnSync('git', ['clone', '--quiet', '--depth=1', request.repository, workspace]).status === 0;
    }
    if (task.script) {
      const { interpreter, scripts, environment = '' } = task.script;
      if (interpreter !== 'shell') throw new Error(`unknown interpreter ${interpreter}`);
      const exported = Object.entries(variables).map(([name, value]) => [`bamboo_${name.replaceAll('.', '_')}`, value]);
      const env = {
        ...request.env,
        ...Object.fromEntries(exported),
        ...parseEnvironment(fill(environment, variables)),
      };
      const end = await runProgram(['sh', '-c', fill(scripts.join('\n'), variables)], { cwd: workspace, env });
      output += end.output;
      return end.exitCode === 0;
    }
    const inject = task['inject-variables'];
    if (inject) {
      for (const line of readFileSync(join(workspace, inject.file), 'utf8').split('\n').filter(Boolean)) {
        variables[`${inject.namespace}.${line.slice(0, line.indexOf('='))}`] = line.slice(line.indexOf('=') + 1);
      }
      return true;
    }
    if (task['test-parser']?.type === 'junit') return true;
    throw new Error(`unknown task ${JSON.stringify(task)}`);
  };

  const runJob = async (id: string): Promise<boolean> => {
    const job = content[id];
    if (!job) throw new Error(`there is no job ${id}`);
    const workspace = mkdtempSync(join(request.folder, `${id}-`));
    let isWell = true;
    for (const task of job.tasks) isWell = isWell && (await runTask(task, workspace));
    for (const task of job['final-tasks']) isWell = (await runTask(task, workspace)) && isWell;
    for (const { name, location } of job.artifacts) {
      const source = join(workspace, location);
      if (existsSync(source)) cpSync(source, join(request.folder, 'artifacts', name), { recursive: true });
    }
    return isWell;
  };

  for (const [, { jobs: ids }] of content.stages.flatMap((stage) => Object.entries(stage))) {
    const goesOn = Object.values(jobs).every((outcome) => outcome === 'successful');
    for (const id of ids) {
      if (goesOn) jobs[id] = (await runJob(id)) ? 'successful' : 'failed';
      else jobs[id] = 'not run';
    }
  }
  return { jobs, output };
};
