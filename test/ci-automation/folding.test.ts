import { describe, expect, it } from '@jest/globals';
import { foldingFor } from '../../ci-automation/ci/folding.ts';
import { createLog, createMask, type Log, textSink } from '../../lib/log/index.ts';

/** The log as a CI with these variables gets it. */
const logIn = (env: Readonly<Record<string, string | undefined>>) => {
  let text = '';
  const output = { write: (part: string) => (text += part), isTerminal: false, folding: foldingFor(env, () => 5000) };
  const log = createLog(textSink(output, createMask(['hunter22'])), () => 0);
  return { log, lines: () => text.split('\n').slice(0, -1) };
};

/** Two phases side by side in one, then one more, then a failure. */
const tellStory = async (log: Log): Promise<void> => {
  const ready = Promise.withResolvers<void>();
  await log.phase('build', () =>
    Promise.all([
      log.phase('one', async () => {
        await ready.promise;
        const command = log.command(['make'], '/');
        command.output('\u001b[32mgreen\u001b[0m\u0007');
        command.finish({ exitCode: 0, signal: undefined, ok: true, durationMs: 0 });
      }),
      log.phase('two', async () => ready.resolve()),
    ]),
  );
  log.info('between');
  await log.phase('publish', () => Promise.reject(new Error('no'))).catch(() => {});
  log.emit({
    kind: 'error',
    code: 'X',
    message: '100% broken\nwith hunter22',
    cause: 'A disk is full.',
    fix: 'Free it.',
  });
};

const storyIn = async (env: Readonly<Record<string, string | undefined>>): Promise<string[]> => {
  const { log, lines } = logIn(env);
  await tellStory(log);
  return lines();
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;

describe('a CI that only shows lines (Jenkins, Buildbot, Bamboo)', () => {
  it.each([{ JENKINS_URL: 'x' }, { BUILDBOT: 'x' }, { bamboo_buildKey: 'x' }, {}])(
    'gets plain ones: %j',
    async (env: Readonly<Record<string, string | undefined>>) => {
      const lines = await storyIn({ ...env, CI: 'true' });
      expect(lines.join('\n')).not.toMatch(CONTROL);
      expect(lines).toEqual(expect.arrayContaining(['-> build', '  -> one', '    $ make', '      green', 'between']));
      expect(lines.filter((line) => line.includes('::') || line.includes('##['))).toEqual([]);
    },
  );
});

describe('GitHub', () => {
  it('gets groups that are never inside each other, and an annotation for the failure', async () => {
    const lines = await storyIn({ GITHUB_ACTIONS: 'true' });
    expect(lines.join('\n')).not.toMatch(CONTROL);
    const folds = lines.filter((line) => line.startsWith('::'));
    expect(folds).toEqual([
      '::group::build',
      '::endgroup::',
      '::group::publish',
      '::endgroup::',
      '::error title=Slipway::X: 100%25 broken%0Awith ***%0AA disk is full.%0AFree it.',
    ]);
    // What is over is seen without opening the group, and so is what failed.
    expect(lines.slice(lines.indexOf('::endgroup::') + 1)).toEqual(
      expect.arrayContaining(['<- build: done (0 ms)', 'between', '  Likely cause: A disk is full.']),
    );
    expect(lines).toEqual(expect.arrayContaining(['  -> one', '  -> two']));
  });

  it('takes nothing that a command prints for one of its own commands', () => {
    const { log, lines } = logIn({ GITHUB_ACTIONS: 'true' });
    const command = log.command(['x'], '/');
    for (const line of ['::error::no', '  ::add-mask::a', '##[group]x', 'a ##[error]b', 'std::string::x']) {
      command.output(line);
    }
    expect(lines().slice(1)).toEqual([
      '  : :error::no',
      '    : :add-mask::a',
      '  ## [group]x',
      '  a ## [error]b',
      '  std::string::x',
    ]);
  });
});

describe('GitLab', () => {
  it('gets sections that are properly inside each other', async () => {
    const lines = await storyIn({ GITLAB_CI: 'true' });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the markers are escape sequences.
    const marker = /^\u001b\[0Ksection_(start|end):5:(slipway_\d+_\d+)(?:\[collapsed=true\])?\r\u001b\[0K(.*)$/;
    const marks = lines.flatMap((line) => {
      const [, what = '', id = '', name = ''] = marker.exec(line) ?? [];
      return what ? [{ what, id, name }] : [];
    });
    const open: string[] = [];
    for (const { what, id } of marks) {
      if (what === 'start') open.push(id);
      else expect(open.pop()).toBe(id);
    }
    expect(open).toEqual([]);
    expect(marks.flatMap(({ what, name }) => (what === 'start' ? [name] : []))).toEqual(['build', 'one', 'publish']);
    expect(lines.filter((line) => !marker.test(line)).join('\n')).not.toMatch(CONTROL);
  });
});

describe('Azure', () => {
  it('gets groups, and no command from what a program prints', async () => {
    const lines = await storyIn({ TF_BUILD: 'True' });
    expect(lines.filter((line) => line.startsWith('##['))).toEqual([
      '##[group]build',
      '##[endgroup]',
      '##[group]publish',
      '##[endgroup]',
      '##[error]X: 100% broken with ***',
    ]);
    const { log, lines: written } = logIn({ TF_BUILD: 'True' });
    log.command(['x'], '/').output('##vso[task.setvariable variable=a]b');
    expect(written().at(-1)).toBe('  ## vso[task.setvariable variable=a]b');
  });
});
