import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { assembleQemuCommand, bootImageSchema, bootProfileSchema, type MachinePlan } from '../../../lib/qemu/index.ts';

const profile = v.parse(bootProfileSchema, { sshUser: 'core' });
const plan: MachinePlan = {
  arch: 'amd64',
  accelerator: 'tcg',
  profile,
  media: { kind: 'disk', file: '/images/a.bin', format: 'raw' },
  overlayFile: '/w,1/overlay.qcow2',
  firmware: { code: '/fw/code.fd', vars: '/w,1/vars.fd' },
  consoleFile: '/w,1/console.log',
  publicKey: 'ssh-ed25519 AAAA x',
};

/** Values of a flag, in order. */
const valuesOf = (command: readonly string[], flag: string): string[] =>
  command.flatMap((word, at) => (word === flag ? [command[at + 1] ?? ''] : []));

describe('assembleQemuCommand', () => {
  test('doubles commas in paths, because QEMU splits at them', () => {
    const command = assembleQemuCommand(plan);
    expect(valuesOf(command, '-drive')).toEqual([
      'if=pflash,format=raw,unit=0,readonly=on,file=/fw/code.fd',
      'if=pflash,format=raw,unit=1,readonly=off,file=/w,,1/vars.fd',
      'if=none,id=disk,format=qcow2,cache=unsafe,discard=unmap,file=/w,,1/overlay.qcow2',
    ]);
    expect(valuesOf(command, '-chardev')).toContain('file,id=console,path=/w,,1/console.log');
  });

  test('never names the image itself: the overlay takes its place', () => {
    expect(assembleQemuCommand(plan).join(' ')).not.toContain('/images/a.bin');
  });

  test('gives the CPU of the host with KVM only', () => {
    expect(valuesOf(assembleQemuCommand(plan), '-accel')).toEqual(['tcg,thread=multi']);
    const kvm = assembleQemuCommand({ ...plan, accelerator: 'kvm' });
    expect(valuesOf(kvm, '-accel')).toEqual(['kvm']);
    expect(valuesOf(kvm, '-cpu')).toEqual(['host']);
  });

  test('hands over the key the way the profile says', () => {
    const inject = [
      { channel: 'smbios-credential' as const, name: 'ssh.authorized_keys.root', text: '{publicKey}' },
      { channel: 'fw-cfg' as const, name: 'opt/org.example/config', text: '{"keys":["{publicKey}"],"a":1}' },
    ];
    const command = assembleQemuCommand({ ...plan, profile: { ...profile, inject } });
    const base64 = Buffer.from(plan.publicKey).toString('base64');
    expect(valuesOf(command, '-smbios')).toEqual([
      `type=11,value=io.systemd.credential.binary:ssh.authorized_keys.root=${base64}`,
    ]);
    expect(valuesOf(command, '-fw_cfg')).toEqual([
      'name=opt/org.example/config,string={"keys":["ssh-ed25519 AAAA x"],,"a":1}',
    ]);
  });

  test('protects the Secure Boot variables, and only then', () => {
    const secure = assembleQemuCommand({ ...plan, profile: { ...profile, firmware: 'uefi-secure' } });
    expect(valuesOf(secure, '-global')).toEqual(['driver=cfi.pflash01,property=secure,value=on']);
    expect(valuesOf(secure, '-machine')).toEqual(['q35,smm=on']);
    expect(valuesOf(assembleQemuCommand(plan), '-global')).toEqual([]);
  });

  test('starts from a CD or from a kernel', () => {
    const cd = assembleQemuCommand({ ...plan, media: { kind: 'cdrom', file: '/i.iso' } });
    expect(valuesOf(cd, '-drive').at(-1)).toBe('if=none,id=cd,media=cdrom,format=raw,readonly=on,file=/i.iso');
    const media = { kind: 'kernel', kernel: '/k', initrd: '/i', commandLine: 'a=b c' } as const;
    const kernel = assembleQemuCommand({ ...plan, media });
    expect([valuesOf(kernel, '-kernel'), valuesOf(kernel, '-initrd'), valuesOf(kernel, '-append')]).toEqual([
      ['/k'],
      ['/i'],
      ['a=b c'],
    ]);
  });

  test('closes the network unless the profile opens it', () => {
    expect(valuesOf(assembleQemuCommand(plan), '-netdev')[0]).toContain(',restrict=on');
    const open = assembleQemuCommand({ ...plan, profile: { ...profile, network: 'open' } });
    expect(valuesOf(open, '-netdev')[0]).not.toContain('restrict');
  });
});

describe('bootProfileSchema', () => {
  test('fills in defaults and adds to the common failure signs', () => {
    const own = v.parse(bootProfileSchema, { sshUser: 'root', failureSigns: [{ name: 'mine', pattern: 'oh no' }] });
    expect(own).toMatchObject({ firmware: 'uefi', cpus: 2, network: 'isolated' });
    expect(own.failureSigns.map(({ name }) => name)).toEqual([
      'kernel panic',
      'dm-verity failure',
      'emergency mode',
      'no bootable device',
      'mine',
    ]);
  });

  test.each([
    { sshUser: 'root', loginPattern: '(' },
    { sshUser: '-oProxyCommand=x' },
    { sshUser: 'root', inject: [{ channel: 'fw-cfg', name: 'a,b' }] },
    { sshUser: 'root', memoryMB: 1 },
  ])('refuses %j', (profileData) => {
    expect(v.safeParse(bootProfileSchema, profileData).success).toBe(false);
  });

  test('an image is a disk in a named format or a CD', () => {
    expect(v.is(bootImageSchema, { kind: 'disk', file: 'a.img', format: 'qcow2' })).toBe(true);
    expect(v.is(bootImageSchema, { kind: 'cdrom', file: 'a.iso' })).toBe(true);
    expect(v.is(bootImageSchema, { kind: 'disk', file: 'a.img' })).toBe(false);
  });
});
