/**
 * Headers of the "new ASCII" cpio format, the one that the kernel unpacks (kernel document buffer-format). Written
 * here, and not by the cpio program, because a member may then be a slice of the disk image without a copy of it.
 */
export interface CpioMember {
  /** Path without a leading slash. */
  readonly name: string;
  /** Type and permission bits, for example 0o100644. */
  readonly mode: number;
  readonly sizeBytes: number;
}

const align = 4;

/** Header and name of one member, padded. @param inode any number that is unique in the archive */
export function buildCpioHeader(member: CpioMember, inode: number, epoch: number): Buffer {
  const nameBytes = Buffer.byteLength(member.name) + 1;
  const links = member.mode & 0o040000 && !(member.mode & 0o100000) ? 2 : 1;
  const numbers = [inode, member.mode, 0, 0, links, epoch, member.sizeBytes, 0, 0, 0, 0, nameBytes, 0];
  const text = `070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}${member.name}\0`;
  return padded(Buffer.from(text));
}

/** The member that ends an archive. */
export function buildCpioTrailer(): Buffer {
  return buildCpioHeader({ name: 'TRAILER!!!', mode: 0, sizeBytes: 0 }, 0, 0);
}

/** Zeros that follow `sizeBytes` of data. */
export function buildCpioPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((align - (sizeBytes % align)) % align);
}

function padded(block: Buffer): Buffer {
  return Buffer.concat([block, buildCpioPadding(block.length)]);
}
