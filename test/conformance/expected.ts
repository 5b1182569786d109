/** In the order of the file lists. */
export const sorted = (texts: Iterable<string | undefined>): (string | undefined)[] =>
  [...texts].sort((a = '', b = '') => (a < b ? -1 : 1));

/** What an artifact is published as, with and without a signer (section 4.6 of the specification). */
export const withSignatures = (name: string): string[] => [
  name,
  `${name}.DIGESTS`,
  `${name}.DIGESTS.asc`,
  `${name}.DIGESTS.sig`,
  `${name}.sig`,
];
export const withDigests = (name: string): string[] => [name, `${name}.DIGESTS`];

/** A container image in the cache. */
export const imageFiles = (name: string, tag: string): string[] =>
  ['id', 'tar.zst'].map((extension) => `containers/${tag}/${name}-${tag}.${extension}`);

/** What the stand-in of build_image leaves for the image step. @param oems ids of the tree's OEMs */
export const imageStepFiles = (folder: string, oems: readonly string[]): string[] =>
  [
    'flatcar developer container.txt',
    'flatcar_production_image.bin.bz2',
    'flatcar_production_image.vmlinuz',
    'flatcar_production_image_contents.txt',
    'flatcar_production_image_sysext.squashfs',
    'flatcar_production_kernel',
    'flatcar_production_update.bin.bz2',
    'rootfs-included-sysexts/containerd-flatcar.raw',
    'version.txt',
    ...oems.map((id) => `oem-${id}.raw`),
  ].map((name) => `${folder}/${name}`);

/** The OEMs of test/conformance/tree: all of them, and by architecture. */
export const OEMS = {
  all: ['azure', 'board', 'qemu', 'vmware'],
  amd64: ['azure', 'qemu', 'vmware'],
  arm64: ['azure', 'board', 'qemu'],
} as const;
