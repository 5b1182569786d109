# The sysexts that are part of the image: NAME|PACKAGE[&PACKAGE...]
if [[ ${1:-} = 'local' ]]; then
    local ciabs_base_sysexts
fi

ciabs_base_sysexts=(
    'shells|app-shells/one'
    'editors|app-editors/one&app-editors/two'
)
