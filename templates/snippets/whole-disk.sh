# An image of a whole disk brings its own partitions and boot loader: both stay as they are, but that the partition of the root
# file system grows with the disk. Needs layout.sh, for the one disk it has chosen, IMAGE_ROOT_PARTITION (empty: it is looked for)
# and IMAGE_SECTOR_BYTES (empty: unknown); sets IMAGE_DEVICE and ROOT_DEVICE.

# A partition table counts in sectors: on a disk whose sectors are larger or smaller it means other places.
check_sectors() {
  local sector
  sector=$(blockdev --getss "${DISKS[0]}")
  [[ -z $IMAGE_SECTOR_BYTES || $IMAGE_SECTOR_BYTES == "$sector" ]] ||
    fail "image $IMAGE_ID was made for disks with sectors of $IMAGE_SECTOR_BYTES bytes, ${DISKS[0]} has sectors of $sector bytes"
}

clear_disk() {
  release_disks
  DISK_WRITTEN=yes
  IMAGE_DEVICE=${DISKS[0]}
  clear_signatures "${DISKS[0]}"
  reread_partitions "${DISKS[0]}"
}

# The table ends where the disk of the image ended. Behind the partition that grows comes the one of the config drive.
grow_partitions() {
  if [[ $(blkid --probe --match-tag PTTYPE --output value "${DISKS[0]}") == gpt ]]; then sgdisk --move-second-header "${DISKS[0]}"; fi
  reread_partitions "${DISKS[0]}"
  [[ $IMAGE_ROOT_PARTITION ]] || find_root_partition
  ROOT_DEVICE=$(partition_path "${DISKS[0]}" "$IMAGE_ROOT_PARTITION")
  [[ -b $ROOT_DEVICE ]] || fail "image $IMAGE_ID has no partition $IMAGE_ROOT_PARTITION, which its root file system should be in"
  add_config_drive "${DISKS[0]}"
  # As far as the next partition, or to the end of the disk; its name, type and GUID stay.
  printf ', +\n' | sfdisk --no-reread --no-tell-kernel --partno "$IMAGE_ROOT_PARTITION" "${DISKS[0]}"
  reread_partitions "${DISKS[0]}"
}

# Its own loader is what the firmware is to start.
set_boot_entry() {
  set_boot_entry_of_disk "${DISKS[0]}"
}

find_root_partition() {
  local number partition mount_point
  mount_point=$(mktemp -d)
  while read -r number partition; do
    mount --read-only "$partition" "$mount_point" 2>/dev/null || continue
    # The root of an OS on Btrfs may be one of its subvolumes.
    [[ -z $(find "$mount_point"/{,root/,@/,@rootfs/}etc/passwd -maxdepth 0 2>/dev/null) ]] || IMAGE_ROOT_PARTITION=$number
    umount "$mount_point"
  done < <(list_partitions "${DISKS[0]}")
  rmdir "$mount_point"
  [[ $IMAGE_ROOT_PARTITION ]] || fail "image $IMAGE_ID has no partition with a root file system that this installer can read"
}

# The other file systems of the image, where its fstab has them: /home may be one, and keys go there.
mount_others() {
  local source mount_point options device
  [[ -f $TARGET/etc/fstab ]] || return 0
  while read -r source mount_point options; do
    device=$(findfs "$source" 2>/dev/null) || continue
    [[ $(lsblk --noheadings --nodeps --paths --output PKNAME "$device") == "${DISKS[0]}" ]] || continue
    mount --options "$options" "$device" "$TARGET$mount_point"
  done < <(awk '$1 ~ /^(\/dev\/|[A-Z]+=)/ && $2 ~ /^\/./ && $3 ~ /^(ext[234]|xfs|btrfs|vfat)$/ { print $1, $2, $4 }' \
    "$TARGET/etc/fstab" | sort -k 2)
}

# Neither table, nor boot code, nor the file systems' own marks.
make_unbootable() {
  clear_signatures "${DISKS[0]}"
  dd if=/dev/zero of="${DISKS[0]}" bs=1M count=16 conv=notrunc,fsync status=none
}
