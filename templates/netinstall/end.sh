# The installed system within the installer's, and its end: `install_reboot` is said when the disk is closed.

installed_root() {
  local root
  for root in /target /mnt/sysroot /mnt/sysimage /mnt; do
    [ ! -e "$root/etc/passwd" ] || { printf '%s' "$root" && return; }
  done
  failed 'there is no installed system where installers have it'
}

# run_in ROOT COMMAND…: as the installer itself does it, where it has a program for that. Debian's would keep to its log what is printed.
run_in() {
  local root=$1
  shift
  if command -v in-target >/dev/null; then
    in-target --pass-stdout "$@"
  elif command -v curtin >/dev/null; then
    curtin in-target --target="$root" -- "$@"
  else
    chroot "$root" "$@"
  fi
}

HOOKS=/usr/lib/finish-install.d

# Debian's installer goes through a list of hooks that it makes once, and one of them is what calls `finish`: ours has to be there before.
# 95umount closes the disk, and 97release-dhcp-lease leaves the network.
write_hook() {
  [ -d "$HOOKS" ] || return 0
  printf '#!/bin/sh\n[ ! -e %s/finished ] || sh %s end\n' "$DIR" "$SELF" >"$HOOKS/96dodai"
  chmod 755 "$HOOKS/96dodai"
}

# prepare_end ROOT: each installer has another place for what comes last. Debian's has its hooks. Anaconda and Ubuntu's are services of
# systemd, which are stopped while there is network. YaST unmounts, and tells nobody.
prepare_end() {
  if [ -d "$HOOKS" ]; then
    : >"$DIR/finished"
  elif [ -d /run/systemd/system ]; then
    write_end_unit "$1"
  else
    while grep -q " $1 " /proc/mounts; do sleep 1; done && end &
  fi
}

write_end_unit() {
  cat >/run/systemd/system/dodai-end.service <<UNIT
[Unit]
Description=Close the disk and tell dodai
After=network.target NetworkManager.service systemd-networkd.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/bin/sh $SELF close $1
TimeoutStopSec=180
UNIT
  systemctl daemon-reload
  systemctl start dodai-end.service
}

# close ROOT: the installer has ended, and has left it mounted.
close() {
  umount -R "$1" || true
  end
}

end() {
  sync
  notify install_reboot 100 'the OS is installed'
}
