# What this OS says of itself when it is done, as JSON made by bash alone: not every image has jq or python.

# json_string TEXT
json_string() {
  local LC_ALL=C text=$1
  text=${text//[^ -~]/ }
  text=${text//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# json_or_null TEXT: null where there is none.
json_or_null() {
  if [[ $1 ]]; then json_string "$1"; else printf 'null'; fi
}

# json_list, lines on standard input.
json_list() {
  local line comma=''
  printf '['
  while IFS= read -r line; do
    printf '%s' "$comma"
    json_string "$line"
    comma=,
  done
  printf ']'
}

# json_from FIRST COMMAND…: what a program prints that knows JSON, when it begins so and is not too much; else null.
json_from() {
  local first=$1 text
  shift
  text=$(timeout 20 "$@" 2>/dev/null | tr -d '\n')
  if [[ $text == "$first"* ]] && ((${#text} < 50000)); then printf '%s' "$text"; else printf 'null'; fi
}

fingerprints_in() {
  ssh-keygen -l -f "$1" 2>/dev/null | sed -n -E 's/^[0-9]+ ([A-Za-z0-9]+:[^ ]+) .*/\1/p'
}

json_of_authorized_keys() {
  local name home comma=''
  printf '{'
  while IFS=: read -r name _ _ _ _ home _; do
    [[ -s $home/.ssh/authorized_keys ]] || continue
    printf '%s' "$comma"
    json_string "$name"
    printf ':'
    fingerprints_in "$home/.ssh/authorized_keys" | json_list
    comma=,
  done </etc/passwd
  printf '}'
}

json_of_host_keys() {
  local file
  for file in /etc/ssh/ssh_host_*_key.pub; do [[ ! -e $file ]] || fingerprints_in "$file"; done | json_list
}

# json_of_file PATH
json_of_file() {
  local sha256='' mode='' owner=''
  if [[ -f $1 ]]; then
    sha256=$(sha256sum -- "$1" | cut -d ' ' -f 1)
    mode=$(stat --format=%a "$1")
    mode=$(printf '%04d' "$mode")
    owner=$(stat --format=%U:%G "$1")
  fi
  printf '{"path":%s,"sha256":%s,"mode":%s,"owner":%s}' "$(json_string "$1")" "$(json_or_null "$sha256")" \
    "$(json_or_null "$mode")" "$(json_or_null "$owner")"
}

# At most as many as the controller takes.
json_of_files() {
  local path comma='' count=0
  printf '['
  if [[ -f /etc/dodai/files ]]; then
    while read -r _ _ path && ((count++ < 200)); do
      printf '%s' "$comma"
      json_of_file "$path"
      comma=,
    done </etc/dodai/files
  fi
  printf ']'
}

json_of_cloud_init() {
  if [[ -e /etc/dodai/cloud-init ]]; then json_from '{' cloud-init status --format json; else printf 'null'; fi
}

guest_report() {
  local ended='' machine_id=''
  [[ ! -e /etc/dodai/user-data.ended ]] || ended=$(</etc/dodai/user-data.ended)
  [[ ! -s /etc/machine-id ]] || machine_id=$(</etc/machine-id)
  printf '{"hostName":%s,"bootId":%s,"machineId":%s,"kernel":%s,"addresses":%s,"authorizedKeys":%s,"hostKeys":%s,' \
    "$(json_string "$(</proc/sys/kernel/hostname)")" "$(json_or_null "$(</proc/sys/kernel/random/boot_id)")" \
    "$(json_or_null "$machine_id")" "$(json_or_null "$(uname -r)")" "$(json_from '[' ip -json address)" \
    "$(json_of_authorized_keys)" "$(json_of_host_keys)"
  printf '"cloudInit":%s,"userDataStatus":%s,"files":%s}' "$(json_of_cloud_init)" "${ended:-null}" "$(json_of_files)"
}
