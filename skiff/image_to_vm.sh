#!/bin/sh
exec zx "$(dirname "$0")/sdk_lib/vm-main.ts" "$@"
