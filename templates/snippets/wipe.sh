# Wipes disks and shows that they are wiped. Every failure ends the script: an unfinished wipe is none.

MARGIN_MIB=16
CHUNK_BYTES=$((256 << 20))
BYTES_WIPED=0

all_disks_bytes() {
  local disk sum=0
  for disk in $DISKS; do sum=$((sum + $(blockdev --getsize64 "$disk"))); done
  printf '%d\n' "$sum"
}

# zero_range DISK OFFSET LENGTH, in bytes. Writes zeros even where a discard would be claimed to do the same.
zero_range() {
  blkdiscard --force --zeroout --offset "$2" --length "$3" "$1"
}

# Backup partition tables, RAID and LVM metadata live at the end, everything else that boots at the start.
clear_disk_metadata() {
  local size margin=$((MARGIN_MIB << 20))
  size=$(blockdev --getsize64 "$1")
  clear_signatures "$1"
  ((size > margin)) || margin=$size
  zero_range "$1" 0 "$margin"
  zero_range "$1" $((size - margin)) "$margin"
  reread_partitions "$1"
}

wipe_disk() {
  case $2 in
    quick) printf '%s: signatures, partition tables and both ends are cleared\n' "$1" ;;
    discard) blkdiscard --force "$1" || fail "$1 cannot discard: its instance type needs wipe mode overwrite" ;;
    overwrite) overwrite_disk "$1" ;;
    *) fail "unknown wipe mode $2" ;;
  esac
}

overwrite_disk() {
  local size offset length all
  size=$(blockdev --getsize64 "$1")
  all=$(all_disks_bytes)
  for ((offset = 0; offset < size; offset += CHUNK_BYTES)); do
    length=$((size - offset < CHUNK_BYTES ? size - offset : CHUNK_BYTES))
    zero_range "$1" "$offset" "$length"
    step_progress $((BYTES_WIPED + offset + length)) "$all" \
      "overwriting $1: $(((offset + length) >> 20)) of $((size >> 20)) MiB"
  done
}

# sample DISK OFFSET: fails unless the MiB there is zeros, as the disk (not the page cache) has it.
sample() {
  local others
  others=$(dd if="$1" bs=1M count=1 skip="$2" iflag=direct,skip_bytes,fullblock status=none | tr -d '\0' | wc -c)
  ((others == 0)) || fail "$1 is not wiped: $others of the 1048576 bytes at offset $2 are not zero"
}

# After a quick wipe only both ends are zeros; otherwise at seventeen places: first, middle, last MiB and between.
check_zeros() {
  local size place places=16 last
  size=$(blockdev --getsize64 "$1")
  last=$((size - (1 << 20)))
  [[ $2 != quick ]] || places=1
  blockdev --flushbufs "$1"
  for ((place = 0; place < places; place++)); do
    # A multiple of 4096: what direct reads need.
    sample "$1" $((last * place / places / 4096 * 4096))
  done
  sample "$1" "$last"
  printf '%s: %d places read back, all zeros\n' "$1" $((places + 1))
}

# add_evidence DISK SECONDS: what was done to which disk, for the record.
add_evidence() {
  local size
  size=$(blockdev --getsize64 "$1")
  list_disks | jq --compact-output --arg path "$1" --arg method "$WIPE_MODE" --argjson size "$size" \
    --argjson seconds "$2" --argjson evidence "$EVIDENCE" '
    .[] | select(.path == $path)
    | $evidence + [{disk: $path, serial, wwn, model, sizeBytes: $size, method: $method, seconds: $seconds}]'
}
