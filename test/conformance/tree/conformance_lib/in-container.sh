# in-container.sh WORD...: what stands between the caller and the command in the tree's container. The environment comes from .sdkenv alone, and the
# words are read once more as double-quoted text in one single-quoted text, so that a quote or a dollar in them means something.
[ ! -e /mnt/host/source/.sdkenv ] || . /mnt/host/source/.sdkenv
script=$(mktemp)
{
  printf "exec bash -c '"
  printf '"%s" ' "$@"
  printf "'\n"
} >"$script"
bash "$script"
status=$?
rm -f "$script"
exit "$status"
