/** With this the program ends; no engine uses it for anything of its own. */
export const PROBE_EXIT_CODE = 42;

interface Machine {
  /** `e_machine` of ELF. */
  readonly elf: number;
  /** The system call exit(PROBE_EXIT_CODE). */
  readonly code: readonly number[];
}

const MACHINES: readonly (readonly [names: readonly string[], machine: Machine])[] = [
  // mov eax, 60; mov edi, 42; syscall
  [['x86_64', 'amd64'], { elf: 62, code: [0xb8, 60, 0, 0, 0, 0xbf, PROBE_EXIT_CODE, 0, 0, 0, 0x0f, 0x05] }],
  // mov x0, #42; mov x8, #93; svc #0
  [['aarch64', 'arm64'], { elf: 183, code: [0x40, 0x05, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0, 0, 0xd4] }],
];

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const BASE = 0x40_0000n;
const PAGE = 0x1000n;

/**
 * A whole static program for Linux that ends with {@link PROBE_EXIT_CODE} and does nothing else, so that an image can be made and a
 * container run without anything to download. The layout: elf(5).
 *
 * @param arch an engine's word for the architecture, for example `x86_64`
 * @returns undefined for one that there is no code for
 */
export const probeProgram = (arch: string): Buffer | undefined => {
  const machine = MACHINES.find(([names]) => names.includes(arch))?.[1];
  if (!machine) return undefined;
  const start = HEADER_BYTES + SEGMENT_BYTES;
  const sizeBytes = start + machine.code.length;
  const file = Buffer.alloc(sizeBytes);
  // 64 bits, little endian, version 1.
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(2, 16); // an executable
  file.writeUInt16LE(machine.elf, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BASE + BigInt(start), 24); // where it starts
  file.writeBigUInt64LE(BigInt(HEADER_BYTES), 32); // where the segments are listed
  file.writeUInt16LE(HEADER_BYTES, 52);
  file.writeUInt16LE(SEGMENT_BYTES, 54);
  file.writeUInt16LE(1, 56); // of which there is one:
  file.writeUInt32LE(1, 64); // loaded,
  file.writeUInt32LE(5, 68); // to be read and executed,
  file.writeBigUInt64LE(BASE, 80);
  file.writeBigUInt64LE(BASE, 88);
  file.writeBigUInt64LE(BigInt(sizeBytes), 96); // the whole file.
  file.writeBigUInt64LE(BigInt(sizeBytes), 104);
  file.writeBigUInt64LE(PAGE, 112);
  file.set(machine.code, start);
  return file;
};
