import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from './sshd.ts';

/** A server of a test. */
export interface TestServer {
  /** For example `127.0.0.1:5000`. */
  readonly address: string;
  stop(): Promise<void>;
}

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

const stopProcess = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
};

const startServer = async (command: readonly string[], port: number): Promise<TestServer> => {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
  for (let tries = 0; !(await isListening(port)); tries += 1) {
    if (tries > 200 || child.exitCode !== null) throw new Error(`${program} did not start:\n${log}`);
    await sleep(50);
  }
  return { address: `127.0.0.1:${port}`, stop: () => stopProcess(child) };
};

/** Who may log in at a registry with a password. */
export const REGISTRY_LOGIN = { user: 'robot', password: 'registry-pass-77' } as const;

/** The password above as bcrypt, which is the only form that the registry takes. */
const HTPASSWD = `${REGISTRY_LOGIN.user}:$2y$05$abcdefghijklmnopqrstuuGYGjJrCf47CQrYQphkc50BC0bA1hw0C\n`;

/** A container registry. @param folder for its data @param options.needsLogin whether only the robot may use it */
export const startRegistry = async (folder: string, { needsLogin }: { needsLogin: boolean }): Promise<TestServer> => {
  const port = await findFreePort();
  const config = {
    version: 0.1,
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: `127.0.0.1:${port}` },
    ...(needsLogin ? { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } } : {}),
  };
  mkdirSync(join(folder, 'data'), { recursive: true });
  writeFileSync(join(folder, 'htpasswd'), HTPASSWD);
  // JSON is YAML.
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config));
  return startServer(['docker-registry', 'serve', join(folder, 'config.yml')], port);
};

/** A server that stands for a bucket: WebDAV over a folder. */
export const startBucket = async (folder: string): Promise<TestServer> => {
  const port = await findFreePort();
  mkdirSync(folder, { recursive: true });
  return startServer(
    ['rclone', 'serve', 'webdav', folder, '--addr', `127.0.0.1:${port}`, '--config', '/dev/null'],
    port,
  );
};

const librariesOf = (program: string): string[] => {
  const list = execFileSync('ldd', [program], { encoding: 'utf8' });
  return [...list.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? '');
};

/** What an image is to have. */
export interface ImageContent {
  readonly name: string;
  /** Absolute paths of programs of this machine; they and their libraries keep their places. */
  readonly programs: readonly string[];
  /** Scripts and other files, by path in the image. */
  readonly files?: Readonly<Record<string, string>>;
  /** Lines of a Dockerfile. */
  readonly changes?: readonly string[];
}

/** Makes a tiny container image. @param folder for the time being */
export const importImage = (folder: string, { name, programs, files = {}, changes = [] }: ImageContent): void => {
  const root = mkdtempSync(join(folder, 'image-'));
  chmodSync(root, 0o755);
  const put = (path: string, place: (to: string) => void): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    place(join(root, path));
    chmodSync(join(root, path), 0o755);
  };
  for (const path of new Set(programs.flatMap((program) => [program, ...librariesOf(program)])))
    put(path, (to) => copyFileSync(path, to));
  for (const [path, text] of Object.entries(files)) put(path, (to) => writeFileSync(to, text));
  mkdirSync(join(root, 'tmp'), { recursive: true });
  const tar = execFileSync('tar', ['-c', '-C', root, '.'], { maxBuffer: 2 ** 28 });
  execFileSync('docker', ['import', ...changes.flatMap((line) => ['-c', line]), '-', name], { input: tar });
  rmSync(root, { recursive: true });
};
