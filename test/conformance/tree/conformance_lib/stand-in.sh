# Sourced by the entry points; see test/conformance/README.md.
set -euo pipefail
: "${CONFORMANCE_WORLD:?is the folder of the test world}"
version_file=sdk_container/.repo/manifests/version.txt
registry=ghcr.io/flatcar

# record WORD...: one line with the environment that counts, then the words as a shell would have to be given them.
record() {
  local name line=''
  for name in COREOS_OFFICIAL SIGNER ARCH FORCE_STAGES; do
    [[ -z ${!name:-} ]] || line+="$name=${!name} "
  done
  if [[ -n ${GNUPGHOME:-} && -d ${GNUPGHOME} ]]; then
    line+='GNUPGHOME=set '
    printf '%s\n' "$GNUPGHOME" >>"$CONFORMANCE_WORLD/keyrings"
  fi
  [[ -z ${SIGNING_KEY:-} ]] || line+='SIGNING_KEY=set '
  line+=$(printf '%q ' "$@")
  printf '%s\n' "${line% }" >>"$CONFORMANCE_WORLD/calls"
}

# behave NAME: does what the test asked of NAME; returns when there is an ordinary output to be made. Sets `output` to plain or garbage.
behave() {
  local how='' code=''
  output=plain
  [[ -e $CONFORMANCE_WORLD/behave/$1 ]] || return 0
  read -r how code <"$CONFORMANCE_WORLD/behave/$1" || :
  case $how in
    fail)
      echo "$1: the test wants this to fail" >&2
      exit "${code:-1}"
      ;;
    hang)
      echo "$1 $$" >"$CONFORMANCE_WORLD/hanging"
      sleep 1000 &
      wait
      ;;
    die) kill -KILL $$ ;;
    garbage)
      # A carriage return, colours, a NUL, half a UTF-8 character, and a last line without an end.
      printf 'half\rwhole \033[31mred\033[0m \000 \303\n\377\376 no line end'
      output=garbage
      ;;
    nothing) exit 0 ;;
    *)
      echo "behave/$1: unknown word '$how'" >&2
      exit 99
      ;;
  esac
}

# make FILE TEXT: an output. Garbage is the same in every run, so that two runs can be compared.
make() {
  mkdir -p "$(dirname "$1")"
  if [[ ${output:-plain} = garbage ]]; then printf '\000\377garbage\001%.0s' {1..64} >"$1"; else printf '%s\n' "$2" >"$1"; fi
}

# The two forms of a version that a name can have, and its parts; $1 with or without channel.
parts_of() {
  local form='^([a-z]+-)?([0-9.]+)([-+](.*))?'
  if [[ $1 =~ $form ]]; then number=${BASH_REMATCH[2]} build=${BASH_REMATCH[4]}; else number='' build=''; fi
  cache_form=$number${build:++$build}
}
tag_form() { printf '%s' "${1//+/-}"; }

# write_version SDK OS: as the tree's own scripts do, on nearly every call.
write_version() {
  local sdk
  parts_of "$1"
  sdk=$cache_form
  parts_of "$2"
  printf 'FLATCAR_VERSION=%s\nFLATCAR_VERSION_ID=%s\nFLATCAR_BUILD_ID="%s"\nFLATCAR_SDK_VERSION=%s\n' \
    "$cache_form" "$number" "$build" "$sdk" >"$version_file"
}

# version_value NAME: a value of the version file.
version_value() { sed -n "s/^FLATCAR_$1=//p" "$version_file" | tr -d '"'; }

# What git calls the commit, where nobody gave a version.
checked_out_version() {
  local tags
  tags=$(git tag --points-at HEAD)
  if [[ -n $tags ]]; then printf '%s\n' "$tags"; else git describe --tags; fi
}

# The flags that stand-ins go by, as variables.
read_flags() {
  local word
  for word in "$@"; do
    case $word in
      --board=*) board=${word#*=} ;;
      --group=*) group=${word#*=} ;;
      --output_root=*) output_root=${word#*=} ;;
      --image_compression_formats=*) compressions=${word#*=} ;;
    esac
  done
}
