#!/bin/sh
# Tests skiffctl on a prepared root folder: sh test.sh, in the folder of the built program.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

check() { # NAME EXPECTED ACTUAL
  [ "$2" = "$3" ] && return
  printf 'FAILED: %s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3" >&2
  exit 1
}

status_of() { "$@" >/dev/null 2>&1 && echo 0 || echo $?; }

mkdir -p "$work/etc" "$work/proc" "$work/dev" "$work/boot/loader/entries"
printf 'NAME="Skiff \\"test\\""\nVERSION=1.2.3+x\nBUILD_ID="x"\n' > "$work/etc/os-release"
echo 'quiet skiff.slot=b usrhash=00ff console=ttyS0' > "$work/proc/cmdline"
for disk in 'vda2 USR-A 524288' 'vda3 USR-B 524288' 'vda5 ROOT 8'; do
  set -- $disk
  mkdir -p "$work/sys/class/block/$1"
  printf 'DEVNAME=%s\nPARTNAME=%s\n' "$1" "$2" > "$work/sys/class/block/$1/uevent"
  echo "$3" > "$work/sys/class/block/$1/size"
done
head -c 8192 /dev/zero > "$work/dev/vda2"
printf 'hsqs and so on' > "$work/dev/vda3"
printf 'title x\nversion    1.2.2\n' > "$work/boot/loader/entries/a.conf"
printf 'title x\nversion    1.2.3+x\n' > "$work/boot/loader/entries/b+2-1.conf"

run() { ./skiffctl --root="$work" "$@"; }
table=$(run slots)
check 'slot A' '  USR-A  /dev/vda2     256 MiB  empty     good     1.2.2' "$(echo "$table" | sed -n 2p)"
check 'slot B' '* USR-B  /dev/vda3     256 MiB  squashfs  trying   1.2.3+x' "$(echo "$table" | sed -n 3p)"
check 'json text' '{"name": "Skiff \\\"test\\\"", "version": "1.2.3+x", "buildId": "x", "slot": "b", "live": false, "verity": "unknown"' \
  "$(run --json status | sed 's/, "usrhash".*//')"
check 'tries' '"triesLeft": 2, "triesDone": 1}]' "$(run --json slots | sed 's/.*"version": "1.2.3+x", //')"
check 'mark-good' 'slot b is good now' "$(run mark-good)"
check 'renamed' 'a.conf b.conf' "$(ls "$work/boot/loader/entries" | xargs)"
check 'again' 'slot b was already good' "$(run mark-good)"
check 'unknown command' 2 "$(status_of run mark-bad)"
check 'unknown option' 2 "$(status_of run --yaml)"
mv "$work/boot/loader/entries/b.conf" "$work/boot/loader/entries/b+0-3.conf"
check 'bad' 'bad' "$(run slots | sed -n 3p | awk '{ print $7 }')"
rm -r "$work/boot"
check 'not mounted' 1 "$(status_of run mark-good)"
echo 'skiff.live=initrd usrhash=00ff' > "$work/proc/cmdline"
check 'live' 'slot:   none, this is a live system' "$(run status | sed -n 2p)"
check 'live mark-good' 1 "$(status_of run mark-good)"
rm "$work/etc/os-release"
check 'no os-release' 1 "$(status_of run status)"
echo 'skiffctl: all tests passed'
