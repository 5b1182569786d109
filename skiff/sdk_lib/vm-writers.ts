import type { Writer } from './vm-job.ts';
import { writeQcow2, writeRaw, writeVhdDynamic, writeVhdFixed, writeVhdx } from './vm-writer-disk.ts';
import { writeGceTar } from './vm-writer-gce.ts';
import { writeIso, writePxe } from './vm-writer-live.ts';
import { writeSecureQcow2 } from './vm-writer-secure.ts';
import { writeVagrantBox } from './vm-writer-vagrant.ts';
import { writeOva, writeVmdk } from './vm-writer-vmdk.ts';

/** Kinds of output. A row of vms/formats.yaml names one; a new vendor needs a new kind only for a new file format. */
export const writers: Readonly<Record<string, Writer>> = {
  raw: writeRaw,
  qcow2: writeQcow2,
  'qcow2-secure': writeSecureQcow2,
  'vhd-fixed': writeVhdFixed,
  'vhd-dynamic': writeVhdDynamic,
  vhdx: writeVhdx,
  vmdk: writeVmdk,
  ova: writeOva,
  'gce-tar': writeGceTar,
  'vagrant-box': writeVagrantBox,
  pxe: writePxe,
  iso: writeIso,
};
