#!/usr/bin/env bash
# make-rootfs.sh: on standard output a tar of a root folder for images. It is nearly empty: containers get the programs of this machine by mounts.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cd "$root"
mkdir -p build home/sdk mnt/host/source/src usr etc proc sys dev tmp run var/tmp
for name in bin sbin lib lib64; do ln -s "usr/$name" "$name"; done
ln -s /mnt/host/source home/sdk/trunk
chmod -R a+rwX build home var tmp
echo "${1:-}" >release
tar --sort=name --owner=0 --group=0 --mtime=@0 -c .
