/** The nights of the workload, in the order in which they are published. */
export const NIGHTS = ['first', 'touched', 'userland', 'kernel'] as const;

export type Night = (typeof NIGHTS)[number];

/** Nights that have root filesystems of their own; `touched` is the first one with other times. */
export const MADE_NIGHTS = ['first', 'userland', 'kernel'] as const satisfies readonly Night[];

export type MadeNight = (typeof MADE_NIGHTS)[number];

/** The Debian release, and the suites that a later night takes in as well. */
export const RELEASE = 'bookworm';
export const LATER_SUITES = [RELEASE, `${RELEASE}-updates`, `${RELEASE}-security`] as const;

/** The suites of a night. */
export const suitesOf = (night: MadeNight): readonly string[] => (night === 'first' ? [RELEASE] : LATER_SUITES);

/** No file of a night is newer than this, seconds: one day after the other. */
export const epochOf = (night: Night): number => 1_767_225_600 + NIGHTS.indexOf(night) * 86_400;

/** Metapackage of a kernel; a night that keeps its kernel names the package of that kernel instead. */
export interface KernelPackage {
  readonly metapackage: string;
}

/** What is installed into one root filesystem. */
export interface RootList {
  readonly name: 'sdk' | 'board';
  readonly kernel: KernelPackage;
  readonly packages: readonly string[];
}

/** Stands for an SDK: compilers, cross compilers and what image builds need; a kernel with its modules, as in ../shared measurements of the field. */
export const SDK: RootList = {
  name: 'sdk',
  kernel: { metapackage: 'linux-image-amd64' },
  packages: [
    ...['build-essential', 'clang', 'lld', 'gdb', 'cmake', 'ninja-build', 'autoconf', 'automake', 'libtool', 'bison'],
    ...['flex', 'gettext', 'pkg-config', 'gcc-aarch64-linux-gnu', 'g++-aarch64-linux-gnu', 'git', 'python3-dev'],
    ...['docker.io', 'qemu-utils', 'openssl', 'openssh-client', 'curl', 'rsync', 'gnupg', 'squashfs-tools', 'mtools'],
    ...['dosfstools', 'e2fsprogs', 'cpio', 'bc', 'jq', 'xz-utils', 'zstd', 'sudo', 'vim-tiny', 'less', 'libssl-dev'],
  ],
};

/** Stands for the root of a board, built with that SDK; another kernel flavour, so that its files are not the SDK's. */
export const BOARD: RootList = {
  name: 'board',
  kernel: { metapackage: 'linux-image-cloud-amd64' },
  packages: [
    ...['systemd-sysv', 'udev', 'dbus', 'openssh-server', 'iptables', 'nftables', 'curl', 'ca-certificates'],
    ...['python3-minimal', 'nfs-common', 'open-iscsi', 'lvm2', 'mdadm', 'cryptsetup-bin', 'vim-tiny', 'sudo', 'chrony'],
  ],
};

/** What nobody reads in a build container. */
export const EXCLUDED_FOLDERS = ['doc', 'man', 'info', 'locale', 'lintian', 'bug'] as const;
