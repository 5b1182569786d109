#!/bin/sh
# Runs a step script (first argument) with the pinned Node, whatever node the machine has; the first line of each step calls this.
# Installs the npm packages first when they are not there.
script=$(readlink -f "$1") || exit 2
shift
root=${script%/ci-automation/*}
node=$root/node_modules/node/bin/node
# Keeps compiled TypeScript between runs: a step starts in half the time.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/slipway/node-compile-cache}"
# Memory of large buffers goes back to the system at once; glibc would keep it, and a step that moves images would grow to twice its size.
export MALLOC_MMAP_THRESHOLD_="${MALLOC_MMAP_THRESHOLD_:-5242880}"
[ -x "$node" ] || exec node "$root/lib/setup/enter.mjs" "$script" "$@"
# The step in one file (bundle-steps.mjs), unless a source has changed since. The change time, because no tool can set it back.
bundle=${script##*/}
bundle=$root/node_modules/.slipway/${bundle%.ts}.mjs
if [ -f "$bundle" ] &&
  [ -z "$(find "$root/lib" "$root/ci-automation" "$root/package-lock.json" -cnewer "$bundle" -print -quit)" ]; then
  script=$bundle
fi
exec "$node" "$script" "$@"
