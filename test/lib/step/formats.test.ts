import { describe, expect, it } from '@jest/globals';
import { expandFormats } from '../../../lib/step/formats.ts';

const names = ['openstack', 'qemu_uefi', 'vmware', 'vmware_ova', 'vmware_raw', 'ami', 'ami_vmdk'];
const tree = {
  vms: {
    formats: Object.fromEntries(names.map((name) => [name, { compression: 'none' }])),
    skipped: ['qemu', 'qemu_uefi_secure'],
    families: {
      vmware: { prefixes: ['vmware'], formats: ['vmware', 'vmware_ova', 'vmware_raw'] },
      ami: { prefixes: ['ami', 'aws'], formats: ['ami', 'ami_vmdk'] },
    },
  },
};

describe('formats', () => {
  it.each([
    [
      ['qemu_uefi', 'openstack'],
      ['qemu_uefi', 'openstack'],
    ],
    [['qemu_uefi', 'qemu_uefi'], ['qemu_uefi']],
    [['openstack qemu_uefi'], ['openstack', 'qemu_uefi']],
    [
      ['vmware_raw', 'qemu_uefi'],
      ['qemu_uefi', 'vmware', 'vmware_ova', 'vmware_raw'],
    ],
    [
      ['aws', 'openstack', 'vmware'],
      ['openstack', 'vmware', 'vmware_ova', 'vmware_raw', 'ami', 'ami_vmdk'],
    ],
    [['qemu', 'openstack', 'qemu_uefi_secure'], ['openstack']],
  ])('%j are %j', (words, expected) => expect(expandFormats(tree, words).formats).toEqual(expected));

  it('says which names are passed over', () => {
    expect(expandFormats(tree, ['qemu', 'openstack', 'qemu']).skipped).toEqual(['qemu']);
  });

  it('lists the known ones for an unknown one', () => {
    expect(() => expandFormats(tree, ['openstak'])).toThrow(
      "Unknown image format 'openstak'. Did you mean 'openstack'?",
    );
  });
});
