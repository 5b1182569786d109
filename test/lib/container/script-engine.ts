import { createEngine, type Engine } from '../../../lib/container/index.ts';
import { createRunner, type Runner } from '../../../lib/process/index.ts';

/**
 * An engine whose program is a shell script: `save` and `load` do what the test says.
 *
 * @param cwd absolute path of the folder that it runs in
 */
export const scriptEngine = (script: string, cwd: string): { readonly engine: Engine; readonly effects: Runner } => {
  const effects = createRunner({ cwd, env: { PATH: '/usr/bin:/bin' } });
  const command = ['sh', '-c', script, 'engine'] as const;
  const info = { storage: { kind: 'graph' } } as const;
  return { engine: createEngine({ name: 'docker', command, info, query: effects, effects }), effects };
};
