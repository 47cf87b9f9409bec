# The root file system, on whatever device there is for it. Needs ROOT_DEVICE and IMAGE_ID.

ROOT_SUBVOLUME=''

# probe UUID|TYPE DEVICE
probe() {
  blkid --probe --match-tag "$1" --output value "$2"
}

# It fills its device.
grow_root() {
  local type
  type=$(probe TYPE "$ROOT_DEVICE" || true)
  case $type in
    ext[234]) grow_ext ;;
    xfs) with_root_mounted xfs_growfs ;;
    btrfs) with_root_mounted btrfs filesystem resize max ;;
    *) fail "the root file system of image $IMAGE_ID is ${type:-of an unknown type}, not ext2, ext3, ext4, XFS or Btrfs" ;;
  esac
}

grow_ext() {
  local status=0
  e2fsck -f -p "$ROOT_DEVICE" || status=$?
  ((status <= 1)) || fail "the file system of image $IMAGE_ID is damaged: e2fsck ended with status $status"
  resize2fs "$ROOT_DEVICE"
}

# with_root_mounted COMMAND…, which is told where. It leaves no log of the file system to be replayed.
with_root_mounted() {
  local mount_point
  mount_point=$(mktemp -d)
  mount "$ROOT_DEVICE" "$mount_point" || fail "the file system of image $IMAGE_ID is damaged: it cannot be mounted"
  "$@" "$mount_point"
  umount "$mount_point"
  rmdir "$mount_point"
}

# Two machines with disks that claim to be the same one are trouble as soon as one disk is looked at in the other machine.
renew_root_uuid() {
  case $(probe TYPE "$ROOT_DEVICE") in
    ext[234]) tune2fs -U random "$ROOT_DEVICE" ;;
    xfs) xfs_admin -U generate "$ROOT_DEVICE" ;;
    btrfs) btrfstune -f -u "$ROOT_DEVICE" ;;
  esac
}

mount_root() {
  local mount_point subvolume
  mount_point=$(mktemp -d)
  mount "$ROOT_DEVICE" "$mount_point"
  TARGET=$mount_point
  # On Btrfs the root of the OS may be a subvolume that only its kernel command line names.
  for subvolume in root @ @rootfs; do
    [[ ! -d $TARGET/etc && -d $TARGET/$subvolume/etc ]] || continue
    umount "$TARGET"
    mount --options "subvol=$subvolume" "$ROOT_DEVICE" "$TARGET"
    ROOT_SUBVOLUME=$subvolume
  done
}
