import { spawn } from 'node:child_process';
import { loadavg } from 'node:os';
import { type ExtraEnv, run } from '../shell.ts';
import { cpuMsOf, endedChildrenCpuMs, engineDaemon, machineBusyMs, memoryOf, treeOf } from './processes.ts';

/** One command of a way of doing things. */
export interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env?: ExtraEnv;
}

/** What a step cost. Times in milliseconds, memory in bytes. */
export interface StepCost {
  readonly name: string;
  readonly wallMs: number;
  /** Of the step's processes. */
  readonly cpuMs: number;
  /** Of the container engine's daemon meanwhile. */
  readonly engineCpuMs: number;
  /** Of everything on this machine meanwhile; what is more than both of the above is the servers and other people's work. */
  readonly machineCpuMs: number;
  /** The largest process at its peak (VmHWM), and its name. */
  readonly peakProcessBytes: number;
  readonly peakProcess: string;
  /** All processes of the step together at the worst moment seen. */
  readonly peakTreeBytes: number;
  /** Load average of the last minute when it began. */
  readonly load: number;
  /** What the step printed, if that is a JSON object in the last line. */
  readonly said?: unknown;
}

const SAMPLE_MS = 50;

const watchMemory = (pid: number) => {
  const seen = { peakProcessBytes: 0, peakProcess: '', peakTreeBytes: 0 };
  const sample = (): void => {
    const all = treeOf(pid).map(memoryOf);
    let sum = 0;
    for (const one of all) {
      if (one === undefined) continue;
      sum += one.nowBytes;
      if (one.peakBytes <= seen.peakProcessBytes) continue;
      seen.peakProcessBytes = one.peakBytes;
      seen.peakProcess = one.name;
    }
    seen.peakTreeBytes = Math.max(seen.peakTreeBytes, sum);
  };
  sample();
  const timer = setInterval(sample, SAMPLE_MS);
  return () => {
    clearInterval(timer);
    return seen;
  };
};

const parseSaid = (text: string): unknown => {
  const line = text.trim().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) return undefined;
  return JSON.parse(line);
};

/**
 * Runs one step and measures its processes. What earlier steps left to be written to the disk is written first.
 *
 * @throws Error with the end of its messages when it fails
 */
export const measureStep = async ({ name, command: [program, ...args], env = {} }: Step): Promise<StepCost> => {
  await run('sync', []);
  const daemon = engineDaemon();
  const before = { own: endedChildrenCpuMs(), engine: cpuMsOf(daemon), machine: machineBusyMs() };
  const load = loadavg()[0] ?? 0;
  const startedMs = performance.now();
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (data: Buffer) => {
      texts[name] = (texts[name] + data.toString()).slice(-100_000);
    });
  }
  const stopWatching = watchMemory(child.pid ?? 0);
  const exitCode = await new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const wallMs = performance.now() - startedMs;
  const memory = stopWatching();
  if (exitCode !== 0) throw new Error(`${name} (${program}) ended with ${exitCode}:\n${texts.stderr.slice(-4000)}`);
  return {
    name,
    wallMs: Math.round(wallMs),
    cpuMs: endedChildrenCpuMs() - before.own,
    engineCpuMs: cpuMsOf(daemon) - before.engine,
    machineCpuMs: machineBusyMs() - before.machine,
    ...memory,
    load,
    said: parseSaid(texts.stdout),
  };
};

/** Runs steps one after the other. */
export const measureSteps = async (steps: readonly Step[]): Promise<StepCost[]> => {
  const costs: StepCost[] = [];
  for (const step of steps) costs.push(await measureStep(step));
  return costs;
};
