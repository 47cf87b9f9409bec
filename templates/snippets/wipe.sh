# Wipes disks, all at the same time. Every failure ends the script: an unfinished wipe is none.

declare -A METHODS=() SIZES=() WIPED=() JOBS=()

# Where what is known of the wipe of a disk is kept: the files bytes, command, seconds and read.
wipe_dir() {
  mkdir -p "$WORK_DIR/wipe/${1##*/}"
  printf '%s\n' "$WORK_DIR/wipe/${1##*/}"
}

# method_for DISK MODE: prints by which method this disk is wiped, or fails with what to choose instead.
method_for() {
  case $2 in
    quick) printf 'signatures\n' ;;
    discard) can_discard "$1" && printf 'discard\n' ;;
    secure_erase) secure_erase_method "$1" ;;
    overwrite) printf 'overwrite\n' ;;
    *) fail "unknown wipe mode $2" ;;
  esac
}

can_discard() {
  local name=${1#/dev/}
  (($(<"/sys/class/block/${name//\//!}/queue/discard_max_bytes") > 0)) ||
    fail "$1 cannot discard: its instance type needs wipe mode secure_erase (for disks that can) or overwrite"
}

# Before the first long work, so that a disk that cannot be wiped like this is told of at once.
choose_methods() {
  local disk
  for disk in $DISKS; do
    METHODS[$disk]=$(method_for "$disk" "$WIPE_MODE")
    printf '%s: %s\n' "$disk" "${METHODS[$disk]}"
  done
}

# Every disk by itself: an array of disks takes as long as the slowest of them. The first that fails ends the wipe.
wipe_disks() {
  local disk
  for disk in $DISKS; do
    SIZES[$disk]=$(blockdev --getsize64 "$disk") WIPED[$disk]=0
    wipe_disk "$disk" "${METHODS[$disk]}" &
    JOBS[$disk]=$!
  done
  while ((${#JOBS[@]} > 0)); do
    sleep 0.5
    tell_wiping
    reap_jobs
  done
}

reap_jobs() {
  local disk
  for disk in "${!JOBS[@]}"; do
    kill -0 "${JOBS[$disk]}" 2>/dev/null && continue
    wait "${JOBS[$disk]}" || stop_jobs
    unset "JOBS[$disk]"
  done
}

stop_jobs() {
  kill "${JOBS[@]}" 2>/dev/null || true
  exit 1
}

# Bytes of a disk that are done, for the progress of the whole.
note_wiped() {
  printf '%d\n' "$2" >"$(wipe_dir "$1")/bytes"
}

tell_wiping() {
  local disk file sum=0 all=0 each=''
  for disk in $DISKS; do
    file=$WORK_DIR/wipe/${disk##*/}/bytes
    # Empty while it is being written anew.
    [[ ! -s $file ]] || WIPED[$disk]=$(<"$file")
    all=$((all + SIZES[$disk])) sum=$((sum + WIPED[$disk]))
    each+="${each:+, }$disk $((WIPED[$disk] * 100 / SIZES[$disk])) %"
  done
  step_progress "$sum" "$all" "wiping: $each"
}

# wipe_disk DISK METHOD, in a process of its own. Namespaces of one NVMe controller are erased one after another.
wipe_disk() {
  local began lock dir
  trap - EXIT
  dir=$(wipe_dir "$1")
  exec {lock}>"$WORK_DIR/wipe/lock-$(controller_of "$1")"
  flock "$lock"
  began=$SECONDS
  [[ $2 == signatures ]] || mark_places "$1"
  case $2 in
    signatures) printf 'wipefs --all; blkdiscard --zeroout (both ends)\n' >"$dir/command" ;;
    discard) discard_disk "$1" ;;
    overwrite) overwrite_disk "$1" ;;
    nvme_format*) nvme_format "$1" "$2" ;;
    nvme_sanitize*) nvme_sanitize "$1" "$2" ;;
    ata*) ata_erase "$1" "$2" ;;
  esac
  printf '%d\n' $((SECONDS - began)) >"$dir/seconds"
  note_wiped "$1" "$(blockdev --getsize64 "$1")"
}

controller_of() {
  local name=${1##*/}
  case $name in
    nvme*n*) printf '%s\n' "${name%n*}" ;;
    *) printf '%s\n' "$name" ;;
  esac
}

# carry_out DISK EXPECTED_SECONDS COMMAND…: runs it, with progress by the time that the disk says it takes (0: not known).
carry_out() {
  local disk=$1 expected=$2 began=$SECONDS size pid
  shift 2
  size=$(blockdev --getsize64 "$disk")
  printf '%s\n' "$*" >"$(wipe_dir "$disk")/command"
  printf '%s: %s\n' "$disk" "$*"
  "$@" &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    ((expected == 0)) || note_wiped "$disk" "$(share_of "$size" $((SECONDS - began)) "$expected")"
    sleep 0.5
  done
  wait "$pid"
}

# share_of SIZE DONE ALL: never the whole, which is known only in the end.
share_of() {
  printf '%d\n' $(($1 / 100 * ($2 < $3 ? $2 * 100 / $3 : 99)))
}

# The last piece of a disk may be smaller than what it discards at a time; it is left as it was.
discard_disk() {
  carry_out "$1" 0 blkdiscard --force "$1" || fail "$1 refused the discard: its instance type needs wipe mode secure_erase or overwrite, or replace it"
  zero_ends "$1"
}

# In pieces that take about half a second each.
overwrite_disk() {
  local size offset=0 length piece=$((64 << 20)) began
  size=$(blockdev --getsize64 "$1")
  printf 'blkdiscard --zeroout %s\n' "$1" >"$(wipe_dir "$1")/command"
  while ((offset < size)); do
    length=$((size - offset < piece ? size - offset : piece))
    began=${EPOCHREALTIME/./}
    zero_range "$1" "$offset" "$length"
    offset=$((offset + length))
    note_wiped "$1" "$offset"
    piece=$(next_piece "$piece" $((${EPOCHREALTIME/./} - began)))
  done
}

# next_piece BYTES MICROSECONDS
next_piece() {
  if (($2 > 1000000 && $1 > 16 << 20)); then
    printf '%d\n' $(($1 / 2))
  elif (($2 < 300000 && $1 < 4 << 30)); then
    printf '%d\n' $(($1 * 2))
  else
    printf '%d\n' "$1"
  fi
}
