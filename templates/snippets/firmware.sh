# The firmware of this machine, and what it starts of an image that brings its own boot loader. Needs BOOT_MODE, IMAGE_ID, INSTANCE_ID,
# fail and boot-entries.sh.

# What is installed for the other one would not start.
check_boot_mode() {
  local running=bios
  [[ ! -d $FIRMWARE_DIR ]] || running=uefi
  [[ $running == "$BOOT_MODE" ]] ||
    fail "this machine was started with $running, and its record has boot mode $BOOT_MODE: set its firmware to $BOOT_MODE, or the record to $running"
}

# The fifth byte of the variable; four of attributes stand before it.
secure_boot_is_on() {
  local byte
  byte=$(od --address-radix=n --format=u1 --skip-bytes=4 --read-bytes=1 "$FIRMWARE_DIR"/efivars/SecureBoot-* 2>/dev/null) || return 1
  ((byte == 1))
}

# mark_esp DIRECTORY: by this the network loader tells this system partition from those of other disks.
mark_esp() {
  mkdir -p "$1/EFI/dodai"
  printf '%s\n' "$INSTANCE_ID" >"$1/EFI/dodai/instance"
}

# set_boot_entry_of_disk DISK: for an image that is a whole disk and brings its own boot loader.
set_boot_entry_of_disk() {
  local esp directory loader
  [[ $BOOT_MODE == uefi ]] || return 0
  esp=$(system_partition_of "$1")
  [[ $esp ]] || fail "image $IMAGE_ID has no system partition (ESP): it does not start with UEFI"
  directory=$(mktemp -d)
  mount "$esp" "$directory"
  loader=$(loader_in "$directory")
  # It would put an entry of its own before the network at the first start.
  [[ ! -f $directory/EFI/BOOT/fbx64.efi ]] || mv "$directory/EFI/BOOT/fbx64.efi" "$directory/EFI/BOOT/fbx64.efi.off"
  mark_esp "$directory"
  umount "$directory"
  [[ $loader ]] || fail "image $IMAGE_ID has no boot loader for 64-bit UEFI in its system partition"
  set_boot_entries "\\${loader//\//\\}" "$esp"
}

# By the type in the partition table, GPT or MBR.
system_partition_of() {
  local partition
  while read -r _ partition; do
    case $(blkid --probe --match-tag PART_ENTRY_TYPE --output value "$partition") in
      c12a7328-f81f-11d2-ba4b-00a0c93ec93b | 0xef) printf '%s\n' "$partition" && return ;;
    esac
  done < <(list_partitions "$1")
}

# The path in capitals first, for it is there on most images; FAT takes either.
loader_in() {
  (cd "$1" && find EFI -ipath 'EFI/BOOT/BOOTX64.EFI' -o -iname shimx64.efi -o -iname grubx64.efi) 2>/dev/null |
    awk '{ rank = tolower($0) ~ /bootx64/ ? 0 : tolower($0) ~ /shimx64/ ? 1 : 2; print rank, $0 }' | sort | sed -n '1s/^. //p'
}
