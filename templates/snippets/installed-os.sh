# What makes an installed OS its owner's: names and keys. Needs TARGET, the directory where its root is mounted (empty in
# the OS itself), HOST_NAME and SSH_KEYS.

# put_file PATH MODE, content on standard input. Replaces a file or a link wholly or not at all.
put_file() {
  install -D --mode="$2" /dev/stdin "$TARGET$1.new"
  mv --force --no-target-directory "$TARGET$1.new" "$TARGET$1"
}

# write_host_name HOSTS: the image's own /etc/hosts, where images made for dodai have the word HOST where the name belongs.
write_host_name() {
  local hosts=''
  [[ ! -f $1 ]] || hosts=$(sed -e "s/\bHOST\b/$HOST_NAME/g" -e '/^127\.0\.1\.1[[:space:]]/d' "$1")
  [[ $hosts == *localhost* ]] || hosts=$'127.0.0.1\tlocalhost\n::1\tlocalhost\n'"$hosts"
  printf '%s\n127.0.1.1\t%s %s\n' "$hosts" "$HOST_NAME" "${HOST_NAME%%.*}" | put_file /etc/hosts 644
  printf '%s\n' "$HOST_NAME" | put_file /etc/hostname 644
}

# authorize_keys HOME UID GID: besides those that the image has.
authorize_keys() {
  local directory=$TARGET$1/.ssh key
  mkdir -p "$directory"
  for key in "${SSH_KEYS[@]}"; do
    grep --quiet --no-messages --line-regexp --fixed-strings -e "$key" "$directory/authorized_keys" ||
      printf '%s\n' "$key" >>"$directory/authorized_keys"
  done
  chmod 700 "$directory"
  chmod 600 "$directory/authorized_keys"
  chown "$2:$3" "$directory" "$directory/authorized_keys"
}

# The first ordinary account of the image, as HOME UID GID NAME; nothing when it has none.
default_account() {
  sort -t : -k 3 -n "$TARGET/etc/passwd" | while IFS=: read -r name _ uid gid _ home _; do
    if ((uid >= 1000 && uid < 60000)); then
      printf '%s %s %s %s\n' "$home" "$uid" "$gid" "$name"
      break
    fi
  done
}

default_account_name() {
  local name
  read -r _ _ _ name < <(default_account) || return 0
  printf '%s\n' "$name"
}

# for_each_account COMMAND: with HOME UID GID of root, then of the account that people log in as.
for_each_account() {
  local home uid gid
  "$1" /root 0 0
  read -r home uid gid _ < <(default_account) || return 0
  "$1" "$home" "$uid" "$gid"
}

write_ssh_keys() {
  ((${#SSH_KEYS[@]} == 0)) || for_each_account authorize_keys
}
