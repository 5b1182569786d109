import { existsSync } from 'node:fs';
import { isSlipwayError } from '../../errors/index.ts';
import { type AcceleratorQuery, chooseAccelerator } from '../../qemu/index.ts';
import { ok, skipped, warning } from '../finding.ts';
import type { Check, CheckContext } from '../types.ts';

const DEVICE = '/dev/kvm';

const FIX_MISSING = [
  'Software emulation does it all the same, some times slower. For KVM: switch on virtualization in the firmware',
  '(or nested virtualization for this virtual machine), then: modprobe kvm_intel || modprobe kvm_amd',
  'A container needs the device: docker run --device /dev/kvm',
].join('\n');

const FIX_RIGHTS =
  'usermod -aG kvm "$USER", then log in again. Software emulation does it all the same, some times slower.';

const FIX_BROKEN =
  'Software emulation does it all the same, some times slower. The hypervisor below this machine offers KVM and does not keep the promise; nothing on this machine can mend that.';

/** @param device absolute path; another one for tests */
export const findAccelerator = async (
  { runner, tree, makeTemp }: CheckContext,
  device = DEVICE,
  more: Partial<AcceleratorQuery> = {},
) => {
  const firmware = tree && 'boot' in tree.test ? tree.test.boot.firmware : 'bios';
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
  try {
    // In a folder of its own, so that the answer is of now and not the one that the test step has kept.
    const query = { arch, firmware, runner, stateFolder: await makeTemp(), kvmDevice: device, ...more } as const;
    const { accelerator, reason } = await chooseAccelerator(query);
    if (accelerator === 'kvm') return ok(`KVM works: ${reason}`);
    const fix = !existsSync(device) ? FIX_MISSING : reason.includes('not permitted') ? FIX_RIGHTS : FIX_BROKEN;
    return warning(`no KVM, the test step emulates in software: ${reason}`, fix);
  } catch (error) {
    if (!isSlipwayError(error, 'QEMU_MISSING')) throw error;
    return warning(error.message, error.hint);
  }
};

export const kvm: Check = {
  name: 'kvm',
  summary: 'whether a guest really runs on KVM (test step)',
  limitMs: 25_000,
  async run(context) {
    if (!['x64', 'arm64'].includes(process.arch)) return skipped(`nothing is booted on ${process.arch}`);
    context.doing('a probe guest was to run on KVM');
    return findAccelerator(context);
  },
};
