# dodai's five partitions: 1 BIOS boot, 2 root, 3 swap, 4 kdump, 5 ephemeral. A size of 0 leaves swap or kdump
# out, and gives ephemeral the rest of the disk; the numbers stay. Sizes in MiB.
# Needs ROOT_SIZE_MIB, SWAP_SIZE_MIB, KDUMP_SIZE_MIB, EPHEMERAL_SIZE_MIB.

BIOS_BOOT_MIB=5
# Partition tables, alignment, and the least that an ephemeral partition of "the rest" is good for.
SPARE_MIB=20

needed_bytes() {
  printf '%d\n' $(((BIOS_BOOT_MIB + ROOT_SIZE_MIB + SWAP_SIZE_MIB + KDUMP_SIZE_MIB + EPHEMERAL_SIZE_MIB + SPARE_MIB) << 20))
}

create_partitions() {
  local ephemeral_end=0
  local layout=(--new="1:0:+${BIOS_BOOT_MIB}M" --typecode=1:EF02 --change-name=1:bios-boot
    --new="2:0:+${ROOT_SIZE_MIB}M" --typecode=2:8300 --change-name=2:root)
  ((SWAP_SIZE_MIB == 0)) || layout+=(--new="3:0:+${SWAP_SIZE_MIB}M" --typecode=3:8200 --change-name=3:swap)
  ((KDUMP_SIZE_MIB == 0)) || layout+=(--new="4:0:+${KDUMP_SIZE_MIB}M" --typecode=4:8300 --change-name=4:kdump)
  ((EPHEMERAL_SIZE_MIB == 0)) || ephemeral_end=+${EPHEMERAL_SIZE_MIB}M
  layout+=(--new="5:0:$ephemeral_end" --typecode=5:8300 --change-name=5:ephemeral)
  sgdisk --clear "${layout[@]}" "$1"
}

# The type follows the image, so that an old OS can read it.
make_file_system() {
  "mkfs.$1" -q -F -L "$2" "$3"
}

format_swap_and_kdump() {
  ((SWAP_SIZE_MIB == 0)) || mkswap --label swap "$(partition_path "$1" 3)"
  ((KDUMP_SIZE_MIB == 0)) || make_file_system ext4 kdump "$(partition_path "$1" 4)"
}

# Whatever is left of an installation that failed must not be started: no boot code, no root.
make_unbootable() {
  local root
  root=$(partition_path "$1" 2)
  dd if=/dev/zero of="$1" bs=440 count=1 conv=notrunc,fsync status=none
  if [[ -b $root ]]; then
    wipefs --all --quiet --force "$root"
    dd if=/dev/zero of="$root" bs=1M count=16 conv=notrunc,fsync status=none
  fi
  dd if=/dev/zero of="$(partition_path "$1" 1)" bs=1M count="$BIOS_BOOT_MIB" conv=notrunc,fsync status=none || true
}
