# test_run ARCH IMAGE [TEST...], done by Slipway. Stands in for ci-automation/test.sh of the tree, as a link or as a copy; sourcing it
# defines the function and does nothing else. A copy needs SLIPWAY_HOME, the folder of Slipway.

test_run() (
  _slipway_home=${SLIPWAY_HOME:-}
  if [ -z "${_slipway_home}" ]; then
    _slipway_home=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../..
  fi
  if [ ! -e "${_slipway_home}/config/shims/lib/run-step.bash" ]; then
    echo 'test_run: SLIPWAY_HOME must be the folder of Slipway, or ci-automation/test.sh a link into it' >&2
    exit 2
  fi
  . "${_slipway_home}/config/shims/lib/run-step.bash"
  _slipway_run "${_slipway_home}" test "$@"
)
