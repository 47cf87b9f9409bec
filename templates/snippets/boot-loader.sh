# What starts the installed OS, from what its image brings. Needs BOOT_MODE, BOOT_DISKS, ESP_DEVICES (with UEFI), TARGET, put_file,
# in_target, has_program, KERNEL_ARGUMENTS, firmware.sh and boot-entries.sh.

write_boot_settings() {
  put_file /etc/default/grub.d/99-dodai.cfg 644 <<CFG
# What the instance type has for every kernel; no menu to wait for.
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="$KERNEL_ARGUMENTS"
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

# has_in_lib PATH…: whether the image has all of these below /usr/lib.
has_in_lib() {
  local path
  for path in "$@"; do [[ -e $TARGET/usr/lib/$path ]] || return 1; done
}

has_signed_grub() {
  has_in_lib shim/shimx64.efi.signed grub/x86_64-efi-signed/grubx64.efi.signed
}

check_boot_loader() {
  has_program grub-install || fail "image $IMAGE_ID has no grub-install: it cannot be made to boot"
  if [[ $BOOT_MODE == bios ]]; then
    has_in_lib grub/i386-pc || fail "image $IMAGE_ID has no GRUB for BIOS (Debian package grub-pc-bin)"
    return
  fi
  has_in_lib grub/x86_64-efi || fail "image $IMAGE_ID has no GRUB for UEFI (Debian package grub-efi-amd64-bin)"
  has_signed_grub || ! secure_boot_is_on ||
    fail "image $IMAGE_ID has no signed boot loader (Debian packages shim-signed and grub-efi-amd64-signed), and Secure Boot is on"
}

install_boot_loader() {
  check_boot_loader
  bind_system_directories
  write_boot_settings
  hide_udevadm
  "install_boot_loader_$BOOT_MODE"
  in_target update-grub
}

install_boot_loader_bios() {
  local disk
  for disk in "${BOOT_DISKS[@]}"; do in_target grub-install --target=i386-pc --no-floppy "$disk"; done
}

# No boot entries by GRUB: it would put its own before the network, and again with each update of the OS.
install_boot_loader_uefi() {
  local vendor loader=grubx64.efi signed=--no-uefi-secure-boot esp
  vendor=$(vendor_directory)
  if has_signed_grub; then
    loader=shimx64.efi signed=--uefi-secure-boot
  fi
  mkdir -p "$TARGET/boot/efi"
  mount "${ESP_DEVICES[0]}" "$TARGET/boot/efi"
  in_target grub-install --target=x86_64-efi --efi-directory=/boot/efi --bootloader-id="$vendor" --no-nvram "$signed"
  if has_program debconf-set-selections; then
    printf 'grub-efi-amd64 grub2/update_nvram boolean false\n' | in_target debconf-set-selections
  fi
  copy_to_removable_path "$TARGET/boot/efi/EFI/$vendor" "$loader"
  mark_esp "$TARGET/boot/efi"
  for esp in "${ESP_DEVICES[@]:1}"; do copy_esp_to "$esp"; done
  set_boot_entries "\\EFI\\$vendor\\$loader" "${ESP_DEVICES[@]}"
}

# The signed GRUB looks for its configuration in the directory of its distribution, whose name is in it.
vendor_directory() {
  if has_signed_grub; then
    grep --text --only-matching --max-count=1 '/EFI/[a-z]\+' "$TARGET/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" |
      sed -n '1s|^/EFI/||p'
  else
    sed -n -E 's/^ID="?([a-z0-9._-]+)"?$/\1/p' "$TARGET/etc/os-release"
  fi
}

# copy_to_removable_path DIRECTORY LOADER: where firmware looks on a disk that it has no entry for, and where the network loader
# looks. Without the fallback program (fbx64.efi), which would make entries of its own.
copy_to_removable_path() {
  local to=$TARGET/boot/efi/EFI/BOOT file
  mkdir -p "$to"
  cp "$1/$2" "$to/BOOTX64.EFI"
  for file in grubx64.efi mmx64.efi; do
    [[ $2 != shimx64.efi || ! -f $1/$file ]] || cp "$1/$file" "$to/$file"
  done
}

# With mirrored disks each starts without the other.
copy_esp_to() {
  local directory
  directory=$(mktemp -d)
  mount "$1" "$directory"
  cp --recursive "$TARGET/boot/efi/." "$directory/"
  umount "$directory"
}
