/** CPU architecture of an image, in the names of the steps. */
export type Arch = 'amd64' | 'arm64';

/** What starts the boot loader: a PC BIOS, UEFI, or UEFI with Secure Boot enforced. */
export type Firmware = 'bios' | 'uefi' | 'uefi-secure';

/** How QEMU runs the guest's instructions: by the CPU's virtualization, or by software emulation. */
export type Accelerator = 'kvm' | 'tcg';

/**
 * What a machine boots from. Files are absolute paths and are never changed: writes go to a throwaway overlay.
 *
 * - `disk`: a disk image; `format` is QEMU's name of its file format and is never guessed from the content
 * - `cdrom`: an ISO image
 * - `kernel`: a kernel and initial ramdisk handed over by the firmware, as a network boot would
 */
export type Media =
  | { readonly kind: 'disk'; readonly file: string; readonly format: 'raw' | 'qcow2' | 'vmdk' | 'vpc' | 'vhdx' | 'vdi' }
  | { readonly kind: 'cdrom'; readonly file: string }
  | { readonly kind: 'kernel'; readonly kernel: string; readonly initrd?: string; readonly commandLine?: string };

/**
 * One fact given to the guest at power-on; `{publicKey}` in `text` becomes the throwaway key in OpenSSH form.
 *
 * - `smbios-credential`: a systemd credential named `name` in an SMBIOS type 11 string
 * - `fw-cfg`: the content of the QEMU firmware file `name`, for example an Ignition configuration
 */
export interface Injection {
  readonly channel: 'smbios-credential' | 'fw-cfg';
  readonly name: string;
  readonly text: string;
}

/** A console line that says that the boot has failed, so that nobody waits for the time limit. */
export interface FailureSign {
  /** What it is called in the error. */
  readonly name: string;
  /** Regular expression, matched against the console text. */
  readonly pattern: string;
}

/** How the images of a tree are booted: data, from the tree's description. Times are milliseconds. */
export interface BootProfile {
  readonly firmware: Firmware;
  readonly memoryMiB: number;
  readonly cpus: number;
  /** Regular expression for the console text that says: boot is complete. */
  readonly loginPattern: string;
  readonly failureSigns: readonly FailureSign[];
  readonly sshUser: string;
  readonly inject: readonly Injection[];
  /** Whether the guest may reach more than its own forwarded port. */
  readonly network: 'isolated' | 'open';
  /** From power-on to the login prompt. */
  readonly bootTimeoutMs: number;
  /** From the login prompt to the first ssh login. */
  readonly sshTimeoutMs: number;
  /** For an orderly power-off; then QEMU is stopped. */
  readonly shutdownTimeoutMs: number;
}
