import { describe, expect, it } from '@jest/globals';
import { expandFormats } from '../../../lib/step/formats.ts';
import type { TreeDescription } from '../../../lib/tree/index.ts';

const formats = Object.fromEntries(
  ['qemu', 'openstack', 'vmware', 'vmware_ova', 'vmware_raw', 'ami', 'ami_vmdk'].map((name) => [
    name,
    { compression: 'none' },
  ]),
);
const tree = {
  vms: {
    formats,
    families: { vmware: ['vmware', 'vmware_ova', 'vmware_raw'], ami: ['ami', 'ami_vmdk'], aws: ['ami', 'ami_vmdk'] },
  },
} as unknown as TreeDescription;

describe('formats', () => {
  it.each([
    [
      ['qemu', 'openstack'],
      ['qemu', 'openstack'],
    ],
    [['qemu', 'qemu'], ['qemu']],
    [
      ['vmware_raw', 'qemu'],
      ['qemu', 'vmware', 'vmware_ova', 'vmware_raw'],
    ],
    [
      ['aws', 'openstack', 'vmware'],
      ['openstack', 'vmware', 'vmware_ova', 'vmware_raw', 'ami', 'ami_vmdk'],
    ],
  ])('%j are %j', (words, expected) => expect(expandFormats(tree, words)).toEqual(expected));

  it('lists the known ones for an unknown one', () => {
    expect(() => expandFormats(tree, ['qemo'])).toThrow("Unknown image format 'qemo'. Did you mean 'qemu'?");
  });
});
