/**
 * A guest of 158 bytes that proves that an accelerator really runs guests: it switches the CPU to 64-bit paging, adds one a
 * million times to a word in memory, checks the sum and leaves QEMU through its debug-exit device. Machine code, because a
 * probe must not need a compiler or a kernel; this is its source (GNU as, loaded by the BIOS at 0x7c00):
 *
 *         cli; xor %ax,%ax; mov %ax,%ds; mov %ax,%es; mov %ax,%ss; mov $0x7000,%sp; cld
 *         mov $0x1000,%di; mov $0x2800,%cx; rep stosw        # clear 0x1000 to 0x5fff
 *         movw $0x2003,0x1000                                # page tables: the first 2 MiB, as they are
 *         movw $0x3003,0x2000
 *         movw $0x0083,0x3000
 *         mov %cr4,%eax; or $0x20,%ax; mov %eax,%cr4         # PAE
 *         mov $0x1000,%eax; mov %eax,%cr3
 *         mov $0xc0000080,%ecx; rdmsr; or $0x100,%ax; wrmsr  # long mode
 *         lgdt gdtr+0x7c00
 *         mov %cr0,%eax; or $0x80000001,%eax; mov %eax,%cr0  # paging, protection
 *         ljmp $8,$long+0x7c00
 *         .code64
 *   long: mov $0x100000,%ecx
 *   spin: incq 0x5000; dec %ecx; jnz spin
 *         cmpq $0x100000,0x5000; jne fail
 *         mov $0x2a,%al; mov $0xf4,%dx; out %al,%dx          # QEMU ends with 2 * 0x2a + 1
 *   fail: hlt; jmp fail
 *         .align 8
 *   gdt:  .quad 0, 0x00209a0000000000
 *   gdtr: .word 15; .long gdt+0x7c00
 */
const CODE = [
  '+jHAjtiOwI7QvABw/L8AELkAKPOrxwYAEAMgxwYAIAMwxwYAMIMADyDgg8ggDyLgZrgAEAAADyLYZrmAAADADzINAAEPMA8BFph8DyDAZg0BAACA',
  'DyLA6lx8CAC5AAAQAEj/BCUAUAAA/8l19EiBPCUAUAAAAAAQAHUHsCpmuvQA7vTr/Y12AAAAAAAAAAAAAAAAAACaIAAPAIh8AAA=',
];

const FLOPPY_BYTES = 1_474_560;

/** QEMU's exit code after the probe guest has done its sum. */
export const PROBE_EXIT_CODE = 85;

/** The probe guest as a floppy disk image for a PC BIOS. */
export const getProbeFloppy = (): Buffer => {
  const floppy = Buffer.alloc(FLOPPY_BYTES);
  Buffer.from(CODE.join(''), 'base64').copy(floppy);
  floppy.writeUInt16LE(0xaa55, 510);
  return floppy;
};
