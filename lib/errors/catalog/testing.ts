import { formatDuration } from '../../log/format.ts';
import type { ErrorText } from '../slipway-error.ts';

const consoleEnd = (lines: readonly string[], file: string): string =>
  lines.length === 0
    ? `The serial console (${file}) is empty: the machine did not even start its firmware, or writes elsewhere.`
    : `The last lines of the serial console (${file}):\n${lines.map((line) => `  | ${line}`).join('\n')}`;

/** What is known of a machine that did not do what it should: what it wrote to its serial console. */
export interface ConsoleFacts {
  /** Path of the whole console log. */
  readonly consoleFile: string;
  /** The end of the console log. */
  readonly lastLines: readonly string[];
}

/** Texts of the errors of booting images and of testing them. */
export const testingErrors = {
  QEMU_MISSING: (c: { program: string; package: string }): ErrorText => ({
    kind: 'failure',
    message: `The emulator program '${c.program}' is not installed, and images are booted with it.`,
    hint: `Install the Debian package ${c.package}, or run 'npm run setup' in Slipway's checkout.`,
  }),
  FIRMWARE_MISSING: (c: {
    firmware: string;
    arch: string;
    searched: readonly string[];
    package: string;
  }): ErrorText => ({
    kind: 'failure',
    message: `No ${c.firmware} firmware for ${c.arch} was found.`,
    hint: `Looked for:\n${c.searched.map((file) => `  ${file}`).join('\n')}\nInstall the Debian package ${c.package}.`,
  }),
  VM_IMAGE_MISSING: (c: { file: string }): ErrorText => ({
    kind: 'failure',
    message: `The file ${c.file}, from which a machine should boot, cannot be read.`,
    hint: 'Check the path. Fetch the image again if it was removed.',
  }),
  VM_EXITED: (c: ConsoleFacts & { reason: string }): ErrorText => ({
    kind: 'failure',
    message: `The virtual machine ended while it was still needed: ${c.reason.replace(/\.$/, '')}.`,
    hint: consoleEnd(c.lastLines, c.consoleFile),
  }),
  VM_BOOT_TIMEOUT: (c: ConsoleFacts & { awaited: string; timeoutMs: number; accelerator: string }): ErrorText => ({
    kind: 'failure',
    message: `The machine did not show ${c.awaited} within ${formatDuration(c.timeoutMs)} (accelerator: ${c.accelerator}).`,
    hint: consoleEnd(c.lastLines, c.consoleFile),
  }),
  VM_PANIC: (c: ConsoleFacts & { sign: string; line: string }): ErrorText => ({
    kind: 'failure',
    message: `The machine failed to run (${c.sign}): ${c.line.trim()}`,
    hint: consoleEnd(c.lastLines, c.consoleFile),
  }),
  VM_SSH_UNREACHABLE: (
    c: ConsoleFacts & { user: string; port: number; timeoutMs: number; answer: string },
  ): ErrorText => ({
    kind: 'failure',
    message: `No ssh login as '${c.user}' (forwarded port ${c.port}) within ${formatDuration(c.timeoutMs)}: ${c.answer}`,
    hint: `Expected: the machine runs an ssh server and takes the key that was handed to it at power-on.\n${consoleEnd(c.lastLines, c.consoleFile)}`,
  }),
  VM_CONTROL_FAILED: (c: { command: string; answer: string }): ErrorText => ({
    kind: 'failure',
    message: `QEMU refused the control command '${c.command}': ${c.answer}`,
    hint: 'Expected QEMU 7 or later, with its machine protocol (QMP) on standard input and output.',
  }),
  CHECK_MODULE_INVALID: (c: { file: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `${c.file} is not a check: ${c.reason}.`,
    hint: "A check is a module with 'export const check = { name, summary, run }', like those in lib/testing/checks.",
  }),
  CHECK_UNKNOWN: (c: { pattern: string; format: string; known: readonly string[] }): ErrorText => ({
    kind: 'misuse',
    message: `No check for format '${c.format}' has a name that matches '${c.pattern}'.`,
    hint: `Known checks: ${c.known.join(', ')}. A '*' stands for any text, '?' for one character, a leading '!' leaves out.`,
  }),
  CHECK_RUNS_INVALID: (c: { maxRetries: number }): ErrorText => ({
    kind: 'misuse',
    message: `MAX_RETRIES is ${c.maxRetries}; it is the total number of runs and must be a whole number, 1 or more.`,
  }),
  TAP_INVALID: (c: { source: string; problems: readonly string[] }): ErrorText => ({
    kind: 'failure',
    message: `The test results in ${c.source} are not complete: ${c.problems[0] ?? 'unknown reason'}.`,
    hint: `What is wrong:\n${c.problems.map((problem) => `  ${problem}`).join('\n')}\nResults that are not complete count as a failed run.`,
  }),
  TESTS_FAILED: (c: { failed: readonly string[]; total: number; runs: number; report: string }): ErrorText => ({
    kind: 'failure',
    message: `${c.failed.length} of ${c.total} checks failed in all of ${c.runs} ${c.runs === 1 ? 'run' : 'runs'}.`,
    hint: `Failed: ${c.failed.slice(0, 20).join(', ')}${c.failed.length > 20 ? ` and ${c.failed.length - 20} more` : ''}\nReport: ${c.report}`,
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
