import type { Arch, Firmware } from './types.ts';

/** A firmware's two flash images: the code is shared, the variables are copied for each machine. */
export interface FirmwareFiles {
  readonly code: string;
  readonly vars: string;
}

/** What QEMU needs to know about one CPU architecture. */
export interface ArchTraits {
  /** QEMU's program. */
  readonly program: string;
  /** The Debian packages that have it and its firmware. */
  readonly programPackage: string;
  readonly firmwarePackage: string;
  /** Value of `-machine`, per firmware. */
  readonly machine: Readonly<Record<Firmware, string | undefined>>;
  /** The `-cpu` under software emulation; hardware gives its own CPU to the guest. */
  readonly emulatedCpu: string;
  /** Where distributions put the UEFI firmware, the best first. */
  readonly firmware: Readonly<Record<'uefi' | 'uefi-secure', readonly FirmwareFiles[]>>;
  /** `process.arch` of a machine whose hardware can run it. */
  readonly nodeArch: string;
}

const inFolder = (folder: string, pairs: readonly (readonly [code: string, vars: string])[]): FirmwareFiles[] =>
  pairs.map(([code, vars]) => ({ code: `${folder}/${code}`, vars: `${folder}/${vars}` }));

/** Everything that differs between architectures, as data. */
export const archTraits: Readonly<Record<Arch, ArchTraits>> = {
  amd64: {
    program: 'qemu-system-x86_64',
    programPackage: 'qemu-system-x86',
    firmwarePackage: 'ovmf',
    machine: { bios: 'q35', uefi: 'q35', 'uefi-secure': 'q35,smm=on' },
    // Newer models have AVX, which software emulation is slow at; older ones miss what distributions are built for (x86-64-v2).
    emulatedCpu: 'Nehalem',
    firmware: {
      uefi: [
        ...inFolder('/usr/share/OVMF', [
          ['OVMF_CODE_4M.fd', 'OVMF_VARS_4M.fd'],
          ['OVMF_CODE.fd', 'OVMF_VARS.fd'],
        ]),
        ...inFolder('/usr/share/edk2/ovmf', [['OVMF_CODE.fd', 'OVMF_VARS.fd']]),
        ...inFolder('/usr/share/edk2/x64', [['OVMF_CODE.4m.fd', 'OVMF_VARS.4m.fd']]),
      ],
      // The ".ms" variables have the keys enrolled with which distributions' boot loaders are signed.
      'uefi-secure': [
        ...inFolder('/usr/share/OVMF', [
          ['OVMF_CODE_4M.secboot.fd', 'OVMF_VARS_4M.ms.fd'],
          ['OVMF_CODE.secboot.fd', 'OVMF_VARS.ms.fd'],
        ]),
        ...inFolder('/usr/share/edk2/ovmf', [['OVMF_CODE.secboot.fd', 'OVMF_VARS.secboot.fd']]),
      ],
    },
    nodeArch: 'x64',
  },
  arm64: {
    program: 'qemu-system-aarch64',
    programPackage: 'qemu-system-arm',
    firmwarePackage: 'qemu-efi-aarch64',
    machine: { bios: undefined, uefi: 'virt', 'uefi-secure': undefined },
    // The default pointer authentication is a costly cipher in software.
    emulatedCpu: 'max,pauth-impdef=on',
    firmware: {
      uefi: [
        ...inFolder('/usr/share/AAVMF', [
          ['AAVMF_CODE.no-secboot.fd', 'AAVMF_VARS.fd'],
          ['AAVMF_CODE.fd', 'AAVMF_VARS.fd'],
        ]),
        ...inFolder('/usr/share/edk2/aarch64', [['QEMU_EFI-pflash.raw', 'vars-template-pflash.raw']]),
      ],
      'uefi-secure': [],
    },
    nodeArch: 'arm64',
  },
};
