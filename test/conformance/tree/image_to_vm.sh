#!/usr/bin/env bash
# image_to_vm.sh --format FORMAT --board=BOARD --from DIR --to DIR --image_compression_formats=LIST --only_store_compressed
cd "$(dirname "$0")"
. conformance_lib/stand-in.sh
record image_to_vm.sh "$@"
read_flags "$@"
while (($# > 0)); do
  case $1 in
    --format) format=$2 && shift ;;
    --from) from=$2 && shift ;;
    --to) to=$2 && shift ;;
  esac
  shift
done
behave "image_to_vm.sh-$format"
file=$to/flatcar_production_${format}_image.img
make "$file" "$format of $(cat "$from/flatcar_production_image.bin")"
make "$to/flatcar_production_$format.grub" "boot loader of $format"
for compression in ${compressions//,/ }; do
  case $compression in
    bz2) bzip2 -k "$file" ;;
    gz) gzip -nk "$file" ;;
    # No archive format here whose bytes depend on the time.
    zip) cp "$file" "$file.zip" ;;
    none) keep=yes ;;
  esac
done
[[ -n ${keep:-} ]] || rm "$file"
# The kernel of PXE is a link to that of the generic image.
[[ $format != pxe ]] || ln -s flatcar_production_image.vmlinuz "$to/flatcar_production_pxe.vmlinuz"
