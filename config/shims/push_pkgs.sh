# push_packages ARCH, done by Slipway. Stands in for ci-automation/push_pkgs.sh of the tree, as a link or as a copy; sourcing it
# defines the function and does nothing else. A copy needs SLIPWAY_HOME, the folder of Slipway.

push_packages() (
  _slipway_home=${SLIPWAY_HOME:-}
  if [ -z "${_slipway_home}" ]; then
    _slipway_home=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../..
  fi
  if [ ! -e "${_slipway_home}/config/shims/lib/run-step.bash" ]; then
    echo 'push_packages: SLIPWAY_HOME must be the folder of Slipway, or ci-automation/push_pkgs.sh a link into it' >&2
    exit 2
  fi
  . "${_slipway_home}/config/shims/lib/run-step.bash"
  _slipway_run "${_slipway_home}" push_pkgs "$@"
)
