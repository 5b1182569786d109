import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { assertSameDisk, type CheckedImage } from './vm-checks.ts';

/** What the descriptor of a hypervisor must say, as XPath and value; names without namespaces. */
const expectations = {
  vmware: {
    "string(//*[local-name()='VirtualSystemType'])": 'vmx-13',
    "string(//*[local-name()='Config'][@*[local-name()='key']='firmware']/@*[local-name()='value'])": 'efi',
    "string(//*[local-name()='Item'][*[local-name()='ResourceType']='6']/*[local-name()='ResourceSubType'])":
      'VirtualSCSI',
    "string(//*[local-name()='Item'][*[local-name()='ResourceType']='10']/*[local-name()='ResourceSubType'])":
      'VmxNet3',
  },
  virtualbox: {
    "string(//*[local-name()='VirtualSystemType'])": 'virtualbox-2.2',
    "string(//*[local-name()='Firmware']/@type)": 'EFI',
    "string(//*[local-name()='Item'][*[local-name()='ResourceType']='20']/*[local-name()='ResourceSubType'])": 'AHCI',
  },
};

/** Descriptor, manifest, disk, in this order; the manifest's digests hold; the descriptor is XML that names its disk rightly. */
export async function checkOva(image: CheckedImage, hypervisor: keyof typeof expectations): Promise<void> {
  const stem = basename(image.file, '.ova');
  const [ovf, manifest, disk] = [`${stem}.ovf`, `${stem}.mf`, `${stem}-disk1.vmdk`];
  const listing = await execa('tar', ['--list', '-f', image.file]);
  assert.deepEqual(listing.stdout.split('\n'), [ovf, manifest, disk]);
  await execa('tar', ['-xf', image.file, '-C', image.scratch]);
  await checkManifest(image.scratch, manifest, [ovf, disk]);
  await checkDescriptor(join(image.scratch, ovf), hypervisor, image, disk);
  await execa('qemu-img', ['check', '-f', 'vmdk', join(image.scratch, disk)]);
  await assertSameDisk(image.disk, join(image.scratch, disk), 'vmdk');
}

/** `SHA256(name)= digest` is what sha256sum calls a BSD-style checksum, but for one space. */
async function checkManifest(folder: string, manifest: string, names: readonly string[]): Promise<void> {
  const text = (await execa('cat', [join(folder, manifest)])).stdout;
  const bsd = text.replaceAll(/^SHA256\((.*)\)= /gm, 'SHA256 ($1) = ');
  const { stdout } = await execa('sha256sum', ['--check', '--strict', '-'], { cwd: folder, input: `${bsd}\n` });
  assert.deepEqual(
    stdout.split('\n'),
    names.map((name) => `${name}: OK`),
  );
}

async function checkDescriptor(ovf: string, hypervisor: keyof typeof expectations, image: CheckedImage, disk: string) {
  await execa('xmllint', ['--noout', '--nonet', ovf]);
  const query = async (xpath: string) => (await execa('xmllint', ['--nonet', '--xpath', xpath, ovf])).stdout;
  const fileSize = (await stat(join(image.scratch, disk))).size;
  const capacity = (await stat(image.disk)).size;
  const common = {
    "namespace-uri(/*[local-name()='Envelope'])": 'http://schemas.dmtf.org/ovf/envelope/1',
    "string(//*[local-name()='File']/@*[local-name()='href'])": disk,
    "string(//*[local-name()='File']/@*[local-name()='size'])": String(fileSize),
    "string(//*[local-name()='Disk']/@*[local-name()='capacity'])": String(capacity),
  };
  for (const [xpath, value] of Object.entries({ ...common, ...expectations[hypervisor] })) {
    assert.equal(await query(xpath), value, xpath);
  }
}
