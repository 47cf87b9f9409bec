# For scripts that change an OS whose root is mounted at TARGET.

in_target() {
  chroot "$TARGET" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C SYSTEMD_OFFLINE=1 "$@"
}

# What programs of the OS expect of the kernel, for as long as it is mounted.
bind_system_directories() {
  local directory
  for directory in dev proc sys run; do
    mountpoint --quiet "$TARGET/$directory" || mount --rbind --make-rslave "/$directory" "$TARGET/$directory"
  done
}

has_program() {
  in_target /bin/sh -c 'command -v "$1"' sh "$1" >/dev/null
}
