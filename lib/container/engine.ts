import { isSlipwayError } from '../errors/index.ts';
import type { Command, Runner, RunningCommand, RunOptions } from '../process/index.ts';
import { parseDiffIds } from './engine-answers.ts';
import { explained, explainedCommand } from './engine-faults.ts';
import type { EngineInfo } from './engine-info.ts';
import type { EngineSocket } from './engine-socket.ts';
import type { Engine } from './types.ts';

/** A query that takes longer than this means that the daemon hangs. */
const QUERY_TIMEOUT_MS = 60_000;

/** What an engine is made from. */
export interface EngineSettings {
  readonly name: 'docker' | 'podman';
  readonly command: Command;
  readonly info: Pick<EngineInfo, 'storage'>;
  /** Added to the environment of its commands, for example `CONTAINERS_CONF`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Answers questions; really runs under `--plan` too. */
  readonly query: Runner;
  /** Changes things; only says what it would do under `--plan`. */
  readonly effects: Runner;
  /** Takes images by a shorter way than the command, where that leads to the same daemon; not for `--plan`. */
  readonly socket?: EngineSocket;
}

/** What to ask of images for {@link parseDiffIds}. */
const DIFF_IDS = '{{json .RootFS.Layers}}';

const quoteAlways = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

const withTag = (reference: string): string => (/:[^/]+$/.test(reference) ? reference : `${reference}:latest`);

/** The ID of the line that is exactly `reference`; podman puts `localhost/` before names without a registry. */
const idInList = (list: string, reference: string): string | undefined => {
  const ids = new Map(list.split('\n').map((line) => line.split(' ') as [string, string]));
  const exact = withTag(reference);
  return (ids.get(exact) ?? ids.get(`localhost/${exact}`))?.replace(/^sha256:/, '');
};

/**
 * Makes the engine of this machine, docker or podman; what differs between the two is in here.
 *
 * Every method throws `ENGINE_NOT_RUNNING` when the daemon cannot be reached and `CONTAINER_NO_SPACE` when the disk is full; what
 * else a command dies of is `COMMAND_FAILED`.
 */
export const createEngine = (settings: EngineSettings): Engine => {
  const { name, command, env, query, effects, socket } = settings;
  const call = (...args: string[]): Command => [...command, ...args] as unknown as Command;

  const ask = async (args: string[], okExitCodes: readonly number[] = [0]): Promise<string> => {
    const options: RunOptions = { stdout: 'capture', env, timeoutMs: QUERY_TIMEOUT_MS, okExitCodes };
    return (await explained('asking the container engine', () => query.run(call(...args), options))).stdout;
  };
  const act = (doing: string, args: string[]) => explained(doing, () => effects.run(call(...args), { env }));

  const imageId = async (reference: string): Promise<string | undefined> =>
    idInList(await ask(['images', '--no-trunc', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}', reference]), reference);

  const hasContainer = async (container: string): Promise<boolean> => {
    const exact = `^${container.replaceAll('.', '\\.')}$`;
    return (await ask(['ps', '--all', '--quiet', '--filter', `name=${exact}`])) !== '';
  };

  const receive = async (doing: string, words: readonly string[], path: string): Promise<RunningCommand> => {
    const line = call(...words);
    return explainedCommand(doing, (await socket?.post(path, line)) ?? effects.start(line, { env }));
  };

  return {
    name,
    command,
    storage: settings.info.storage,
    imageId,
    async inspectImage(reference) {
      const id = await imageId(reference);
      if (id === undefined) return undefined;
      const layers = await ask(['image', 'inspect', '--format', DIFF_IDS, id]);
      return { imageId: id, diffIds: parseDiffIds(layers)[0] ?? [] };
    },
    async layersOfAllImages() {
      const ids = new Set((await ask(['images', '--all', '--quiet', '--no-trunc'])).split('\n').filter(Boolean));
      if (ids.size === 0) return [];
      // What was removed since is not among the answers, which the exit code tells as well.
      return parseDiffIds(await ask(['image', 'inspect', '--format', DIFF_IDS, ...ids], [0, 1, 125]));
    },
    save(reference) {
      // podman would else choose by the image; docker archives are what every engine and the cache's readers take.
      const format = name === 'podman' ? ['--format', 'docker-archive'] : [];
      const running = effects.start(call('save', ...format, reference), { env });
      running.stdin.end();
      return explainedCommand(`saving ${reference}`, running);
    },
    load: () => receive('loading a container image', ['load'], '/images/load?quiet=1'),
    importTar: (reference) =>
      receive(
        'loading a layer',
        ['import', '-', reference],
        `/images/create?${new URLSearchParams({ fromSrc: '-', repo: reference })}`,
      ),
    async tagsOf(repository) {
      const lines = await ask(['images', '--format', '{{.Tag}}', repository]);
      return lines.split('\n').filter((tag) => tag !== '' && tag !== '<none>');
    },
    async pull(reference) {
      try {
        await act(`pulling ${reference}`, ['pull', reference]);
        return true;
      } catch (error) {
        // A dead daemon or a full disk has become an error of its own by now; what is left is the registry's answer.
        if (isSlipwayError(error, 'COMMAND_FAILED')) return false;
        throw error;
      }
    },
    async tag(source, target) {
      await act(`tagging ${target}`, ['tag', source, target]);
    },
    async commit(container, reference) {
      const format = name === 'podman' ? ['--format', 'docker', '--quiet'] : [];
      await act(`committing ${container}`, ['commit', ...format, container, reference]);
    },
    async removeImage(reference) {
      if ((await imageId(reference)) === undefined) return;
      await act(`removing ${reference}`, ['image', 'rm', '--force', reference]);
    },
    async removeContainer(container) {
      if (!(await hasContainer(container))) return;
      await act(`removing ${container}`, ['container', 'rm', '--force', container]);
    },
    async containerState(container) {
      if (!(await hasContainer(container))) return undefined;
      const format = '{{.Image}}\n{{.State.Running}}{{range .Mounts}}\n{{.Source}}{{end}}';
      const state = await ask(['container', 'inspect', '--format', format, container]);
      const [image = '', running, ...mounts] = state.split('\n');
      return { imageId: image.replace(/^sha256:/, ''), running: running === 'true', mounts };
    },
    async startContainer(container) {
      await act(`starting ${container}`, ['start', container]);
    },
    async stopContainer(container) {
      await act(`stopping ${container}`, ['stop', '-t', '0', container]);
    },
    removeImageLine: (reference) => `${command.join(' ')} image rm -f ${quoteAlways(reference)}`,
  };
};
