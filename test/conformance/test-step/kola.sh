#!/usr/bin/env bash
# Stands for kola: `kola list` prints names; `kola run` writes a TAP file and leaves a folder as kola does. A test whose name (and instance) is in
# /work/kola-fails, with a number, fails that often.
command=$1
shift
{
  printf '%s\037' "$PWD" "$command" "$@"
  printf '\036'
} >>/work/kola-calls
tap='' instance=main tests=()
while [ $# -gt 0 ]; do
  case $1 in
    --tapfile=*) tap=${1#*=} ;;
    --aws-type=*) instance=${1#*=} ;;
    --image-version) shift ;;
    -* | '') ;;
    *) tests+=("$1") ;;
  esac
  shift
done
if [ "$command" = list ]; then
  printf '%s\n' os.basic cl.internet os.other
  exit 0
fi
if [ "${tests[*]}" = '*' ]; then tests=(os.basic cl.internet os.flaky 'odd [name] ✓' os.bad); fi
mkdir -p "_kola_temp/run-$instance" /work/kola-state
echo journal >"_kola_temp/run-$instance/journal.txt"
ln -sfn "run-$instance" "_kola_temp/$instance-latest"
{
  echo "1..${#tests[@]}"
  for test in "${tests[@]}"; do
    key="$test@$instance"
    count=$(cat "/work/kola-state/$key" 2>/dev/null || echo 0)
    echo $((count + 1)) >"/work/kola-state/$key"
    times=$(sed -n "s/^$key //p" /work/kola-fails 2>/dev/null || :)
    if [ "$count" -lt "${times:-0}" ]; then
      printf 'not ok - %s\n  ---\n  Error: "--- FAIL: %s (1.0s)\\n    a.go:%s: it'"'"'s \\"bad\\" ✓"\n  ...\n' "$test" "$test" "$count"
    else
      echo "ok - $test"
    fi
  done
} >"_kola_temp/$instance.tap"
cp "_kola_temp/$instance.tap" "$tap"
