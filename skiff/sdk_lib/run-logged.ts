import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { Fault } from './fault.ts';

/** How to run a program whose output is for a log file. */
export interface LoggedRun {
  /** absolute path; output is appended */
  logFile: string;
  /** exact environment */
  env: NodeJS.ProcessEnv;
  cwd?: string;
  /** number of last log lines that a failure shows */
  tailLines?: number;
}

const running = new Set<ChildProcess>();

/** Ends all programs that run now, each with the processes it has started. For onInterrupt. */
export async function stopPrograms(): Promise<void> {
  const ended = [...running].map((child) => new Promise<void>((resolve) => child.once('close', () => resolve())));
  for (const { pid } of running) if (pid) process.kill(-pid, 'SIGKILL');
  await Promise.all(ended);
}

async function readTail(file: string, lines: number): Promise<string> {
  const text = await fs.readFile(file, 'utf8');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

/**
 * Runs a program with its output in a log file, so that the console shows progress and not thousands of lines.
 * @param command program and exact arguments
 * @throws Fault with the last lines of the log when it cannot be started or fails
 */
export async function runLogged(command: string[], run: LoggedRun): Promise<void> {
  const { logFile, env, cwd, tailLines = 20 } = run;
  await fs.mkdir(path.dirname(logFile), { recursive: true });
  await using log = await fs.open(logFile, 'a');
  await log.write(
    `+ ${command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ')}\n`,
  );
  const ended = await new Promise<string>((resolve) => {
    // Its own process group, so that all of it can be ended.
    const options: SpawnOptions = { env, cwd, stdio: ['ignore', log.fd, log.fd], detached: true };
    const child = spawn(command[0] ?? '', command.slice(1), options);
    running.add(child);
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('close', (status, signal) => {
      running.delete(child);
      resolve(signal ? `was ended by ${signal}` : `ended with status ${status}`);
    });
  });
  if (ended === 'ended with status 0') return;
  throw new Fault(`${command[0]} ${ended}`, `last lines of ${logFile}:\n${await readTail(logFile, tailLines)}`);
}

/**
 * Runs a shell pipeline on exact arguments, with the same log and the same end as runLogged. Data goes from program to
 * program, not through this process.
 * @param script bash text; it sees the arguments as "$1", "$2" ...; fails when any part of the pipeline does
 */
export async function runPipeline(script: string, args: string[], run: LoggedRun): Promise<void> {
  await runLogged(['bash', '-euo', 'pipefail', '-c', script, 'bash', ...args], run);
}
