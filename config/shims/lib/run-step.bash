# Sourced by the shims in the folder above, in the subshell of a step function. Names begin with _slipway_ because a variable of the caller
# that is exported would go on to the step with another value.

# _slipway_run HOME STEP ARGUMENT...: becomes the step; its exit code is that of the function.
_slipway_run() {
  local _slipway_home=${1} _slipway_step=${2} _slipway_name
  shift 2
  if [ ! -e "${_slipway_home}/ci-automation/${_slipway_step}.ts" ]; then
    printf 'Slipway in %s has no step %s: is SLIPWAY_HOME right?\n' "${_slipway_home}" "${_slipway_step}" >&2
    exit 2
  fi
  # The original reads its settings as shell variables, exported or not; a program sees only what is exported.
  while read -r _slipway_name; do
    if [ -n "${!_slipway_name+x}" ]; then export "${_slipway_name?}"; fi
  done <"${_slipway_home}/config/shims/lib/settings.txt"
  # The words of a caller are never flags.
  exec sh "${_slipway_home}/lib/setup/run-step.sh" "${_slipway_home}/ci-automation/${_slipway_step}.ts" -- "$@"
}
