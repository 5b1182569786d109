import { access, constants, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isSlipwayError, slipwayError } from '../errors/index.ts';
import type { Runner } from '../process/index.ts';
import { probeKvm } from './accelerator-probe.ts';
import { archTraits } from './arch.ts';
import type { Accelerator, Arch, Firmware } from './types.ts';

/** Which accelerator a machine gets, and why. */
export interface AcceleratorChoice {
  readonly accelerator: Accelerator;
  /** One clause for the log. */
  readonly reason: string;
}

/** What the choice depends on; the paths are replaced in tests. */
export interface AcceleratorQuery {
  readonly arch: Arch;
  readonly firmware: Firmware;
  readonly runner: Runner;
  /** Absolute path of the folder in which the answer is kept until the host is started again. */
  readonly stateFolder: string;
  /** `process.arch` of the host. */
  readonly hostArch?: string;
  readonly kvmDevice?: string;
  readonly bootIdFile?: string;
  readonly probeTimeoutMs?: number;
}

/** Where KVM works the probe takes 0.2 s; where it needs seconds, software emulation (0.1 s) is the faster one. */
const PROBE_TIMEOUT_MS = 3000;

const STATE_SCHEMA = 1;

interface State extends AcceleratorChoice {
  readonly schema: number;
  readonly bootId: string;
}

const readState = async (file: string, bootId: string): Promise<AcceleratorChoice | undefined> => {
  try {
    const state = JSON.parse(await readFile(file, 'utf8')) as State;
    const known = state.schema === STATE_SCHEMA && state.bootId === bootId;
    return known && /^(kvm|tcg)$/.test(state.accelerator) ? state : undefined;
  } catch {
    // No answer yet, or half of one: the probe is cheap enough to ask again.
    return undefined;
  }
};

const probeOnce = async (query: AcceleratorQuery): Promise<AcceleratorChoice> => {
  const bootId = (await readFile(query.bootIdFile ?? '/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const stateFile = path.join(query.stateFolder, `accelerator-${query.arch}-${query.firmware}.json`);
  const known = await readState(stateFile, bootId);
  if (known) return known;
  await mkdir(query.stateFolder, { recursive: true });
  const folder = await mkdtemp(path.join(query.stateFolder, 'probe-'));
  try {
    const { arch, firmware, runner, probeTimeoutMs = PROBE_TIMEOUT_MS } = query;
    const fault = await probeKvm({ arch, firmware, runner, folder, timeoutMs: probeTimeoutMs });
    const choice: AcceleratorChoice =
      fault === undefined
        ? { accelerator: 'kvm', reason: 'a probe guest ran on /dev/kvm' }
        : { accelerator: 'tcg', reason: fault };
    const fresh = path.join(folder, 'state.json');
    await writeFile(
      fresh,
      `${JSON.stringify({ schema: STATE_SCHEMA, bootId, ...choice } satisfies State, undefined, 2)}\n`,
    );
    await rename(fresh, stateFile);
    return choice;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/**
 * Chooses KVM only where a guest has been seen to run on it; else software emulation, which works everywhere. A `/dev/kvm`
 * that opens and answers is no proof: nested and emulated ones may hang the guest. The answer is kept per start of the host.
 *
 * @throws QEMU_MISSING
 */
export const chooseAccelerator = async (query: AcceleratorQuery): Promise<AcceleratorChoice> => {
  const { nodeArch, program, programPackage } = archTraits[query.arch];
  const hostArch = query.hostArch ?? process.arch;
  const device = query.kvmDevice ?? '/dev/kvm';
  if (hostArch !== nodeArch) return { accelerator: 'tcg', reason: `the host's CPU (${hostArch}) is another one` };
  // The probe guest is x86 code; elsewhere software emulation is the safe answer.
  if (query.arch !== 'amd64') return { accelerator: 'tcg', reason: `there is no probe guest for ${query.arch}` };
  const usable = await access(device, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!usable) return { accelerator: 'tcg', reason: `${device} is missing or not permitted` };
  try {
    return await probeOnce(query);
  } catch (error) {
    if (isSlipwayError(error, 'COMMAND_NOT_FOUND')) {
      throw slipwayError('QEMU_MISSING', { program, package: programPackage }, error);
    }
    throw error;
  }
};
