# For scripts that run in the OS that they change: what elsewhere is done in a mounted root. TARGET is empty.

has_program() {
  command -v "$1" >/dev/null
}

in_target() {
  "$@"
}
