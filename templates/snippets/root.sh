# The root file system, on whatever device the layout has for it. Needs ROOT_DEVICE.

# probe UUID|TYPE DEVICE
probe() {
  blkid --probe --match-tag "$1" --output value "$2"
}

# It fills its device and gets an identity of its own.
grow_root() {
  local status=0
  e2fsck -f -p "$ROOT_DEVICE" || status=$?
  ((status <= 1)) || fail "the file system of image $IMAGE_ID is damaged: e2fsck ended with status $status"
  resize2fs "$ROOT_DEVICE"
  tune2fs -U random "$ROOT_DEVICE"
}

mount_root() {
  local mount_point
  mount_point=$(mktemp -d)
  mount "$ROOT_DEVICE" "$mount_point"
  TARGET=$mount_point
}
