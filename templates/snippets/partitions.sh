# dodai's five partitions: 1 BIOS boot (ESP with UEFI), 2 root, 3 swap, 4 kdump, 5 ephemeral. A size of 0 leaves swap or kdump
# out, and gives ephemeral the rest of the disk; the numbers stay. Sizes in MiB.
# Needs ROOT_SIZE_MIB, SWAP_SIZE_MIB, KDUMP_SIZE_MIB, EPHEMERAL_SIZE_MIB; chooses DISK, and sets ROOT_DEVICE: what is to be
# the root file system is written there, wherever that is.

BIOS_BOOT_MIB=5 ESP_MIB=512
BOOT_DISKS=() ESP_DEVICES=()
# Partition tables, alignment, and the least that an ephemeral partition of "the rest" is good for.
SPARE_MIB=20

needed_bytes() {
  local boot=$BIOS_BOOT_MIB
  [[ $BOOT_MODE == bios ]] || boot=$ESP_MIB
  printf '%d\n' $(((boot + ROOT_SIZE_MIB + SWAP_SIZE_MIB + KDUMP_SIZE_MIB + EPHEMERAL_SIZE_MIB + SPARE_MIB) << 20))
}

create_partitions() {
  local ephemeral_end=0
  local layout=(--new="1:0:+${BIOS_BOOT_MIB}M" --typecode=1:EF02 --change-name=1:bios-boot)
  [[ $BOOT_MODE == bios ]] || layout=(--new="1:0:+${ESP_MIB}M" --typecode=1:EF00 --change-name=1:esp)
  layout+=(--new="2:0:+${ROOT_SIZE_MIB}M" --typecode=2:8300 --change-name=2:root)
  ((SWAP_SIZE_MIB == 0)) || layout+=(--new="3:0:+${SWAP_SIZE_MIB}M" --typecode=3:8200 --change-name=3:swap)
  ((KDUMP_SIZE_MIB == 0)) || layout+=(--new="4:0:+${KDUMP_SIZE_MIB}M" --typecode=4:8300 --change-name=4:kdump)
  ((EPHEMERAL_SIZE_MIB == 0)) || ephemeral_end=+${EPHEMERAL_SIZE_MIB}M
  layout+=(--new="5:0:$ephemeral_end" --typecode=5:8300 --change-name=5:ephemeral)
  sgdisk --clear "${layout[@]}" "$1"
}

choose_disk() {
  DISK=$(list_disks | pick_disk "$ROOT_DEVICE_HINT" "$(needed_bytes)")
  printf 'installing %s on %s\n' "$HOST_NAME" "$DISK"
  lsblk --output NAME,SIZE,ROTA,TRAN,SERIAL,MODEL "$DISK"
}

check_that_image_fits() {
  ((IMAGE_UNCOMPRESSED_BYTES <= ROOT_SIZE_MIB << 20)) ||
    fail "image $IMAGE_ID has $IMAGE_UNCOMPRESSED_BYTES bytes, its partition only $ROOT_SIZE_MIB MiB"
}

partition_disk() {
  release_disks
  DISK_WRITTEN=yes
  ROOT_DEVICE=$(partition_path "$DISK" 2)
  clear_signatures "$DISK"
  create_partitions "$DISK"
  reread_partitions "$DISK"
  BOOT_DISKS=("$DISK")
  [[ $BOOT_MODE == bios ]] || make_esp "$(partition_path "$DISK" 1)"
  format_swap_and_kdump
}

make_esp() {
  mkfs.vfat -F 32 -n ESP "$1"
  ESP_DEVICES=("$1")
}

make_file_system() {
  "mkfs.$1" -q -F -L "$2" "$3"
}

format_swap_and_kdump() {
  ((SWAP_SIZE_MIB == 0)) || mkswap --label swap "$(partition_path "$DISK" 3)"
  ((KDUMP_SIZE_MIB == 0)) || make_file_system ext4 kdump "$(partition_path "$DISK" 4)"
}

# The type follows the image, so that an old OS can read it.
format_ephemeral() {
  make_file_system "$(probe TYPE "$ROOT_DEVICE")" ephemeral "$(partition_path "$DISK" 5)"
}

# Mounts that need no disk (tmpfs, NFS, …) stay as the image has them.
write_fstab() {
  local kept=''
  [[ ! -f $TARGET/etc/fstab ]] ||
    kept=$(awk '$1 !~ /^(#|\/dev\/|UUID=|LABEL=|PARTUUID=|PARTLABEL=|$)/ && NF >= 4' "$TARGET/etc/fstab")
  {
    printf '# <file system> <mount point> <type> <options> <dump> <pass>\n'
    printf 'UUID=%s / %s errors=remount-ro 0 1\n' "$(probe UUID "$ROOT_DEVICE")" "$(probe TYPE "$ROOT_DEVICE")"
    [[ ${#ESP_DEVICES[@]} -eq 0 ]] || printf 'UUID=%s /boot/efi vfat umask=0077,nofail 0 0\n' "$(probe UUID "${ESP_DEVICES[0]}")"
    ((SWAP_SIZE_MIB == 0)) || printf 'UUID=%s none swap sw,nofail 0 0\n' "$(probe UUID "$(partition_path "$DISK" 3)")"
    fstab_line_of_ephemeral "$(partition_path "$DISK" 5)"
    [[ -z $kept ]] || printf '%s\n' "$kept"
  } | put_file /etc/fstab 644
}

fstab_line_of_ephemeral() {
  printf 'UUID=%s /mnt %s defaults,nofail 0 2\n' "$(probe UUID "$1")" "$(probe TYPE "$1")"
}

# Whatever is left of an installation that failed must not be started: no boot code, no root.
make_unbootable() {
  dd if=/dev/zero of="$DISK" bs=440 count=1 conv=notrunc,fsync status=none
  if [[ -b $ROOT_DEVICE ]]; then
    wipefs --all --quiet --force "$ROOT_DEVICE"
    dd if=/dev/zero of="$ROOT_DEVICE" bs=1M count=16 conv=notrunc,fsync status=none
  fi
  dd if=/dev/zero of="$(partition_path "$DISK" 1)" bs=1M count="$BIOS_BOOT_MIB" conv=notrunc,fsync status=none || true
}
