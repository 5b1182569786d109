# scavenge_for_configure_logs DIR LOGS: copies what build systems wrote down below DIR to LOGS/config-logs, each below the folder it was in.
scavenge_for_configure_logs() {
  local file folder
  while IFS= read -r file; do
    folder=$(dirname "${file#"$1"/}")
    mkdir -p "$2/config-logs/$folder"
    cp -a "$file" "$2/config-logs/$folder"
  done < <(find "$1" '(' -name config.log -o -name meson-log.txt ')' | sort)
}
