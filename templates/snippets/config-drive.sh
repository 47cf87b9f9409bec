# The config drive: a partition of 64 MiB at the very end of each disk, whose file system an OS finds by its label, config-2. The
# controller makes the file system; here it is written and read back. Without one the partition stays, all zeros: its next owner
# may have one. Needs CONFIG_DRIVE_URL (empty: none) and what layout.sh sets.

CONFIG_DRIVE_MIB=64 CONFIG_DRIVE_DEVICES=() CONFIG_DRIVE_SECTOR=512

# config_drive_at DISK: where it begins, in MiB; behind it is the end of the partition table.
config_drive_at() {
  printf '%d\n' $((($(blockdev --getsize64 "$1") >> 20) - CONFIG_DRIVE_MIB - 1))
}

write_config_drive() {
  local device
  for device in "${CONFIG_DRIVE_DEVICES[@]}"; do
    zero_range "$device" 0 $((CONFIG_DRIVE_MIB << 20))
    [[ ! $CONFIG_DRIVE_URL ]] || fill_config_drive "$device"
  done
}

fill_config_drive() {
  CONFIG_DRIVE_SECTOR=$(blockdev --getss "$1")
  until_done try_config_drive
  dd if="$WORK_DIR/config-drive" of="$1" bs=1M conv=notrunc,fsync status=none ||
    fail "writing the config drive to $1 failed"
  blockdev --flushbufs "$1"
  check_config_drive "$1"
  printf 'config drive: %d bytes written to %s\n' "$(stat --format=%s "$WORK_DIR/config-drive")" "$1"
}

try_config_drive() {
  local status=0 size
  curl --fail --silent --show-error --connect-timeout 10 --max-time 120 --header @"$WORK_DIR/authorization" \
    --dump-header "$WORK_DIR/config-drive.headers" --output "$WORK_DIR/config-drive" --write-out '%{stderr}code=%{http_code}\n' \
    "$CONFIG_DRIVE_URL?sectorBytes=$CONFIG_DRIVE_SECTOR" 2>"$WORK_DIR/fetch" || status=$?
  if ((status != 0)); then
    fetch_failed "$status" 'the download of the config drive failed'
    return 0
  fi
  size=$(stat --format=%s "$WORK_DIR/config-drive")
  ((size <= CONFIG_DRIVE_MIB << 20)) || fail "the config drive has $size bytes, more than $CONFIG_DRIVE_MIB MiB"
  [[ $(expected_digest) == "$(digest_of <"$WORK_DIR/config-drive")" ]] ||
    TROUBLE="the config drive that came has the digest $(digest_of <"$WORK_DIR/config-drive"), expected $(expected_digest)"
}

# As the header Repr-Digest has it (RFC 9530): the SHA-256 in base64.
digest_of() {
  openssl dgst -sha256 -binary | openssl base64 -A
}

expected_digest() {
  sed -n -E 's|^repr-digest:.*sha-256=:([A-Za-z0-9+/=]+):.*|\1|Ip' "$WORK_DIR/config-drive.headers" | tail -n 1
}

# check_config_drive DEVICE: past the page cache.
check_config_drive() {
  local size found
  size=$(stat --format=%s "$WORK_DIR/config-drive")
  found=$({ dd if="$1" bs=1M count=$(((size + 1048575) >> 20)) iflag=direct,fullblock status=none || true; } |
    head --bytes="$size" | digest_of)
  [[ $found == "$(expected_digest)" ]] ||
    fail "the config drive, read back from $1, has the digest $found, expected $(expected_digest): the disk does not keep what it is given"
}

# What the OS finds the partitions by when it gets another owner.
note_config_drive() {
  local device
  for device in "${CONFIG_DRIVE_DEVICES[@]}"; do blkid --probe --match-tag PART_ENTRY_UUID --output value "$device"; done |
    put_file /etc/dodai/config-drive 600
}

# add_config_drive DISK: behind the partitions that an image of a whole disk brings. One that an image was taken with is not kept.
add_config_drive() {
  local at start device
  at=$(config_drive_at "$1")
  case $(blkid --probe --match-tag PTTYPE --output value "$1") in
    gpt) add_config_drive_to_gpt "$1" "$at" ;;
    dos) add_config_drive_to_mbr "$1" "$at" || return 0 ;;
    *) cannot_have_config_drive 'has neither GPT nor MBR' || return 0 ;;
  esac
  reread_partitions "$1"
  start=$(((at << 20) / $(blockdev --getss "$1")))
  device=$(sfdisk --json "$1" | jq --raw-output ".partitiontable.partitions[] | select(.start == $start).node")
  CONFIG_DRIVE_DEVICES=("$device")
}

add_config_drive_to_gpt() {
  local number
  for number in $(sgdisk --print "$1" | awk '$NF == "config-2" { print $1 }'); do sgdisk --delete="$number" "$1"; done
  sgdisk --new="0:$2M:+${CONFIG_DRIVE_MIB}M" --typecode=0:8300 --change-name=0:config-2 "$1" ||
    fail "image $IMAGE_ID leaves no room for the config drive at the end of $1"
}

# Logical partitions are left alone: to make one is to move the end of the extended one.
add_config_drive_to_mbr() {
  local sector
  sector=$(blockdev --getss "$1")
  (($(sfdisk --json "$1" | jq '[.partitiontable.partitions[].node | select(test("(^|[^0-9])[1-4]$"))] | length') < 4)) ||
    { cannot_have_config_drive 'has no free primary partition' || return 1; }
  printf 'start=%d, size=%d, type=83\n' $((($2 << 20) / sector)) $(((CONFIG_DRIVE_MIB << 20) / sector)) |
    sfdisk --append --no-reread --no-tell-kernel "$1" ||
    fail "image $IMAGE_ID leaves no room for the config drive at the end of $1"
}

# cannot_have_config_drive WHY: which only matters to an owner who asked for one.
cannot_have_config_drive() {
  [[ ! $CONFIG_DRIVE_URL ]] ||
    fail "the partition table of image $IMAGE_ID $1, which the config drive would take: use an image with GPT, or spawn without a config drive"
  printf 'no partition for a config drive: the partition table of image %s %s\n' "$IMAGE_ID" "$1"
  return 1
}
