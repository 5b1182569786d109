#!/usr/bin/env bash
# Stands for the vendor scripts of a tree: writes down how it was called and what it found, then does what /work/behave/IMAGE-RUN or /work/behave/IMAGE
# says. Those are scripts of the tests; they have the functions and variables of this file.
set -euo pipefail
image=$(basename "$0" .sh)
main=$1 work=$2 tap=/work/$2/$5
run=${5//[!0-9]/}
first_run=no
if [[ -e $main/first_run ]]; then first_run=yes; fi
{
  printf '%s\037' "$image" "$first_run" "$PWD" "$@"
  printf '\036'
} >>/work/calls
shift 5
mkdir -p "/work/$work"
cd "/work/$work"

# results LINE...: a TAP file with a plan.
results() {
  local count
  count=$(printf '%s\n' "$@" | grep -c 'ok - ' || :)
  printf '%s\n' "1..$count" "$@" >"$tap"
}

# kola_files: what kola leaves.
kola_files() {
  mkdir -p _kola_temp/qemu-1/os.basic
  echo journal >_kola_temp/qemu-1/os.basic/journal.txt
  ln -sfn qemu-1 _kola_temp/qemu-latest
}

behave=/work/behave/$image-$run
if [[ ! -e $behave ]]; then behave=/work/behave/$image; fi
source "$behave"
