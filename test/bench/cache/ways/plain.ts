import { join } from 'node:path';
import type { Step } from '../measuring/measure.ts';
import { referenceOf } from '../workload/images.ts';
import type { World } from '../world.ts';
import type { Way } from './types.ts';

const NAME = 'plain';

const bash = (name: string, script: string, ...words: readonly string[]): Step => ({
  name,
  command: ['bash', '-o', 'pipefail', '-ec', script, name, ...words],
});

const sshCommand = ({ sshd }: World): string =>
  `ssh -p ${sshd.port} -i ${sshd.clientKey} -o UserKnownHostsFile=${sshd.knownHosts} -o BatchMode=yes`;

/** As a CI does it with the usual programs: whole archives, one thing after the other. Nothing that is fetched is checked. */
export const plainWay: Way = {
  name: NAME,
  storesWholeImages: true,
  publish(world, image, { temp }) {
    const file = join(temp, `${image.name}-${image.version}.tar.zst`);
    const target = join(world.prefixOf(NAME), 'containers', image.version);
    const { user, host } = world.sshd;
    const digests = 'md5sum "$1" > "$1.DIGESTS"; sha1sum "$1" >> "$1.DIGESTS"; sha512sum "$1" >> "$1.DIGESTS"';
    const upload = 'rsync --rsync-path="mkdir -p $3 && rsync" -t -e "$4" "$1" "$1.DIGESTS" "$2:$3/"';
    return [
      bash('save and compress', 'docker save "$1" | zstd -T0 -q -f -o "$2"', referenceOf(image), file),
      bash('digests', digests, file),
      bash('upload', upload, file, `${user}@${host}`, target, sshCommand(world)),
    ];
  },
  fetch(world, image, { temp }) {
    const name = `${image.name}-${image.version}.tar.zst`;
    const file = join(temp, name);
    const url = `${world.urlOf(NAME)}/containers/${image.version}/${name}`;
    return [
      { name: 'download', command: ['curl', '-fsS', '--cacert', world.caFile, '-o', file, url] },
      bash('decompress and load', 'zstd -d -q -c "$1" | docker load', file),
    ];
  },
};
