#!/usr/bin/env bash
# Starts Skiff {{version}} in QEMU, under UEFI, with its console in this terminal.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
stem={{stem}}
secure_boot={{secureBoot}}
image=$here/{{image}}
ssh_port=2222 ssh_key='' memory=1024 cpus=2 accel='' snapshot=off

usage() {
  cat <<EOF
usage: $(basename "$0") [options] [-- further arguments for QEMU]
  -a FILE    public ssh key that may log in as root (default: your ~/.ssh/id_*.pub)
  -p PORT    port of this machine that leads to the guest's ssh (default $ssh_port)
  -m MIB     memory (default $memory)
  -c NUMBER  processors (default $cpus)
  -A ACCEL   kvm or tcg (default: kvm when a trial guest runs on it, else tcg)
  -s         throw away everything the guest writes
  -h         this text
Log in with: ssh -p $ssh_port root@localhost       Leave the console with: Ctrl-a x
EOF
}

fail() {
  echo "$(basename "$0"): $1" >&2
  exit "${2:-1}"
}

# Prints the first of the files that exists.
first_file() {
  local file
  for file in "$@"; do
    [ -f "$file" ] && echo "$file" && return
  done
  return 1
}

unpack_image() {
  [ -f "$image" ] && return
  local packed
  packed=$(first_file "$image".{zst,gz,bz2,zip}) || fail "$image is missing, and no packed form of it is there"
  echo "unpacking $(basename "$packed")" >&2
  case $packed in
    *.zst) zstd -q -d -o "$image.part" "$packed" ;;
    *.gz) gzip -dc "$packed" >"$image.part" ;;
    *.bz2) bzip2 -dc "$packed" >"$image.part" ;;
    *.zip) unzip -p "$packed" >"$image.part" ;;
  esac
  mv "$image.part" "$image"
}

# /dev/kvm may be there, accept commands and even run a boot sector, and still fail with a real guest. So the firmware
# is started as it will be used, without a disk: it works when the boot manager speaks up.
kvm_works() {
  [ -w /dev/kvm ] || return 1
  local status=0 trial
  exec 3< <(exec timeout 10 qemu-system-x86_64 -machine "$machine,accel=kvm" -cpu host -smp "$cpus" -m 256 -nodefaults \
    "${firmware_guard[@]}" -drive "if=pflash,unit=0,format=raw,readonly=on,file=${code//,/,,}" \
    -drive "if=pflash,unit=1,format=raw,snapshot=on,file=${vars//,/,,}" \
    -display none -serial stdio 2>/dev/null </dev/null)
  trial=$!
  grep -q -m1 BdsDxe <&3 || status=1
  kill "$trial" 2>/dev/null || true
  exec 3<&-
  return "$status"
}

find_firmware() {
  code=$(first_file "$here/${stem}_efi_code.fd" /usr/share/OVMF/OVMF_CODE_4M.fd /usr/share/OVMF/OVMF_CODE.fd \
    /usr/share/edk2/x64/OVMF_CODE.4m.fd /usr/share/edk2/ovmf/OVMF_CODE.fd) ||
    fail 'no UEFI firmware found; install ovmf (edk2-ovmf), or use the format qemu_uefi, which brings it along'
  vars=$here/${stem}_efi_vars.fd
  [ -f "$vars" ] && return
  local fresh
  # Variables of the host know none of the keys that we sign with.
  [ "$secure_boot" = off ] || fail "$vars is missing; it comes with the image"
  fresh=$(first_file "${code/CODE/VARS}") || fail "$code has no ${code/CODE/VARS} beside it"
  cp "$fresh" "$vars"
}

while getopts a:p:m:c:A:sh option; do
  case $option in
    a) ssh_key=$OPTARG; [ -r "$ssh_key" ] || fail "cannot read the ssh key $ssh_key" 2 ;;
    p) ssh_port=$OPTARG ;;
    m) memory=$OPTARG ;;
    c) cpus=$OPTARG ;;
    A) accel=$OPTARG ;;
    s) snapshot=on ;;
    h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
shift $((OPTIND - 1))

command -v qemu-system-x86_64 >/dev/null || fail 'QEMU is missing: install the package qemu-system-x86'
unpack_image
find_firmware
machine=q35 firmware_guard=()
if [ "$secure_boot" = on ]; then
  # Only code in system management mode may write the variables that hold the keys.
  machine=q35,smm=on
  firmware_guard=(-global driver=cfi.pflash01,property=secure,value=on -global ICH9-LPC.disable_s3=1)
fi
if [ -z "$accel" ]; then
  if kvm_works; then accel=kvm; else accel=tcg; fi
fi
[ -n "$ssh_key" ] || ssh_key=$(first_file ~/.ssh/id_*.pub) || echo 'no ssh key found in ~/.ssh: see -a' >&2
arguments=()
if [ -n "$ssh_key" ]; then
  # systemd in the guest takes this credential and writes it to root's authorized_keys.
  arguments+=(-smbios "type=11,value=io.systemd.credential.binary:ssh.authorized_keys.root=$(base64 -w0 <"$ssh_key")")
fi
# Emulated, a plainer processor is quicker: vector instructions cost more than they save.
if [ "$accel" = kvm ]; then cpu=host; else cpu=Nehalem; fi

# A comma in a path would end the option: QEMU wants it doubled.
exec qemu-system-x86_64 -name "Skiff {{version}}" -machine "$machine,accel=$accel" -cpu "$cpu" \
  -smp "$cpus" -m "$memory" "${firmware_guard[@]}" \
  -drive "if=pflash,unit=0,format=raw,readonly=on,file=${code//,/,,}" \
  -drive "if=pflash,unit=1,format=raw,snapshot=$snapshot,file=${vars//,/,,}" \
  -drive "if=virtio,format=qcow2,snapshot=$snapshot,file=${image//,/,,}" \
  -netdev "user,id=net,hostfwd=tcp:127.0.0.1:$ssh_port-:22" -device virtio-net-pci,netdev=net \
  -device virtio-rng-pci -nographic "${arguments[@]}" "$@"
