# The owner's files by path. /etc/dodai/files lists them, as MODE OWNER PATH, for the OS itself to settle when it is up: owners may
# be accounts that are made only then. Needs TARGET, put_file and in_target.

write_files() {
  put_file /etc/dodai/files 600 </dev/null
{%- for file in files %}
  write_file {{ file.path }} {{ file.mode }} {{ file.owner }} <<'BASE64'
{{ file.base64 | raw }}
BASE64
{%- endfor %}
}

# write_file PATH MODE OWNER, its content in base64 on standard input. Links of the image lead out of it, as seen from here.
write_file() {
  local parent
  parent=$(realpath --canonicalize-missing "$TARGET/$(dirname "$1")")
  [[ $parent/ == "$TARGET"/* ]] || fail "the file $1 cannot be written: a link of the image leads from there to ${parent}"
  [[ ! -d $TARGET$1 ]] || fail "the file $1 cannot be written: the image has a directory there"
  base64 --decode | put_file "$1" 600
  printf '%s %s %s\n' "$2" "$3" "$1" >>"$TARGET/etc/dodai/files"
  settle_file "$@" 2>/dev/null || true
}

# settle_file PATH MODE OWNER
settle_file() {
  in_target chown --no-dereference "$3" "$1"
  in_target chmod "$2" "$1"
}

# forget_files: those of the owner before.
forget_files() {
  local path
  [[ -f $TARGET/etc/dodai/files ]] || return 0
  while read -r _ _ path; do rm -f "$TARGET$path"; done <"$TARGET/etc/dodai/files"
  rm -f "$TARGET/etc/dodai/files"
}
