import { writeFile } from 'node:fs/promises';

/** What a hand-made guest does after it has printed its text. */
export type Ending = 'hang' | 'power-off' | 'reset-once';

/** cli; segments 0; stack; si = text; then each byte up to a zero to the serial port, when its line status says it is free. */
const PRINT = 'fa31c08ed88ed0bc007cbe807cfcac84c0741288c3bafd03eca82074f888d8baf803eeebe9';

const ENDINGS: Readonly<Record<Ending, string>> = {
  // hlt; jmp to it
  hang: 'f4ebfd',
  // out 0x604, 0x2000: the ACPI sleep register of QEMU's PC machines, "soft off"
  'power-off': 'ba0406b80020eff4ebfd',
  // Pulses reset through the keyboard controller unless a CMOS byte, which survives, says that this was done before.
  'reset-once': 'b07ee670e4713c5a740cb07ee670b05ae671b0fee664f4ebfd',
};

const TEXT_AT = 0x80;
const SIGNATURE_AT = 510;

/**
 * Writes a disk image of 1 MiB whose boot sector prints `text` on the serial console and then ends as told: a real guest that
 * boots in a tenth of a second, and needs no kernel.
 *
 * @param text at most 380 ASCII characters
 */
export const writeBootSector = async (file: string, text: string, ending: Ending): Promise<void> => {
  const disk = Buffer.alloc(1024 * 1024);
  disk.write(PRINT + ENDINGS[ending], 'hex');
  disk.write(`${text}\0`, TEXT_AT, SIGNATURE_AT - TEXT_AT, 'latin1');
  disk.writeUInt16LE(0xaa55, SIGNATURE_AT);
  await writeFile(file, disk);
};
