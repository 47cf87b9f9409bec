# Takes away what says what is on a disk: afterwards nothing on it starts, and nothing finds an array, a volume or a key.

MARGIN_MIB=16

# quietly COMMAND…: without the line that blkdiscard prints each time it is forced; there are thousands of them.
quietly() {
  "$@" 2>&1 | { grep --invert-match 'Operation forced' || true; } >&2
}

# zero_range DEVICE OFFSET LENGTH, in bytes. Writes zeros even where a discard would be claimed to do the same.
zero_range() {
  quietly blkdiscard --force --zeroout --offset "$2" --length "$3" "$1"
}

# Backup partition tables, RAID and LVM metadata live at the end, everything else that boots at the start, and so do the keys of
# an encrypted volume: LUKS keeps them in its first 16 MiB.
zero_ends() {
  local size margin=$((MARGIN_MIB << 20))
  size=$(blockdev --getsize64 "$1")
  ((size > margin)) || margin=$size
  zero_range "$1" 0 "$margin"
  zero_range "$1" $((size - margin)) "$margin"
}

# Arrays and volume groups are put together first, so that what is inside them is cleared too: the keys of an encrypted volume
# may lie anywhere on the disk. What cannot be put together is not opened by anybody who finds the disk either.
open_layers() {
  timeout 60 mdadm --assemble --scan --run || true
  LVM_SUPPRESS_FD_WARNINGS=1 timeout 60 vgchange --activate y --activationmode partial || true
  if command -v udevadm >/dev/null; then udevadm settle --timeout=10 || true; fi
}

# clear_layers DISK…
clear_layers() {
  local device
  for device in $(lsblk --noheadings --list --paths --output KNAME,NAME "$@" | layers_among); do
    printf 'clearing %s\n' "$device"
    wipefs --all --force "$device"
    zero_ends "$device"
  done
}

clear_disk_metadata() {
  local part
  for part in $(partitions_on "$1"); do zero_ends "$part"; done
  clear_signatures "$1"
  zero_ends "$1"
  reread_partitions "$1"
}
