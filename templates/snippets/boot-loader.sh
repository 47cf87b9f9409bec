# What starts the installed OS, from what its image brings. Needs BOOT_MODE, DISK, TARGET, put_file, in_target and has_program.

write_boot_settings() {
  put_file /etc/default/grub.d/99-dodai.cfg 644 <<'CFG'
# Boot messages on the screen and on the serial console; no menu to wait for.
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="console=tty0 console=ttyS0,115200n8"
GRUB_TERMINAL="console serial"
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
GRUB_TIMEOUT=1
GRUB_RECORDFAIL_TIMEOUT=1
GRUB_DISABLE_OS_PROBER=true
CFG
}

# GRUB asks udevadm where each partition begins, some twenty times in each of a dozen calls; without it, it asks the
# kernel. Slow processors feel that: minutes become seconds.
hide_udevadm() {
  local program
  for program in /usr/bin/udevadm /bin/udevadm; do
    if [[ -f $TARGET$program && ! -L $TARGET$program ]]; then
      mount --bind /dev/null "$TARGET$program"
      return
    fi
  done
}

install_boot_loader() {
  case $BOOT_MODE in
    bios) install_boot_loader_bios ;;
    *) fail "this machine starts with $BOOT_MODE firmware, which there is no boot loader for: set its bootMode to bios" ;;
  esac
}

install_boot_loader_bios() {
  local directory
  has_program grub-install || fail "image $IMAGE_ID has no grub-install: it cannot be made to boot"
  [[ -d $TARGET/usr/lib/grub/i386-pc ]] || fail "image $IMAGE_ID has no GRUB for BIOS (Debian package grub-pc-bin)"
  for directory in dev proc sys run; do mount --rbind --make-rslave "/$directory" "$TARGET/$directory"; done
  write_boot_settings
  hide_udevadm
  in_target grub-install --target=i386-pc --no-floppy "$DISK"
  in_target update-grub
}
