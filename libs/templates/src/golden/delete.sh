#!/bin/bash
# Wipes the disks of the machine that instance 6f9619ff-8b86-4d01-b42d-00cf4fc964ff was on: run by the live image.
set -Eeuo pipefail

INSTANCE_ID=6f9619ff-8b86-4d01-b42d-00cf4fc964ff
CONTROLLER_URL=http://10.77.0.1:7071
TOKEN=tok_Zm9vYmFy
# quick: signatures, partition tables and keys; discard: blkdiscard as well; secure_erase: the disk's own command; overwrite: zeros
# on every sector.
WIPE_MODE=overwrite

# Talk with the controller: states, progress and everything that is printed.
# Needs INSTANCE_ID, CONTROLLER_URL and TOKEN.

export LC_ALL=C
INSTANCE_URL=${CONTROLLER_URL%/}/v1/instances/$INSTANCE_ID
WORK_DIR=$(mktemp -d)
REPORTER_PID='' TEE_PID='' CONSOLE='' WAKE=''

# Kept in a file so that no process list shows the token.
(umask 077 && printf 'Authorization: Bearer %s\n' "$TOKEN" >"$WORK_DIR/authorization")

# fail MESSAGE: ends the script; the message becomes the reason that the controller is told.
fail() {
  printf '%s\n' "$*" >"$WORK_DIR/failure"
  exit 1
}

# post PATH CONTENT_TYPE FILE: 0 taken, 1 worth another try (no answer, busy), 2 refused for good.
post() {
  local code
  code=$(curl --silent --show-error --output "$WORK_DIR/answer.$BASHPID" --write-out '%{http_code}' \
    --connect-timeout 5 --max-time 20 --header @"$WORK_DIR/authorization" --header "Content-Type: $2" \
    --data-binary @"$3" "$INSTANCE_URL/$1" 2>"$WORK_DIR/curl-error.$BASHPID") || code=000
  case $code in
    2??) return 0 ;;
    000) POST_ERROR=$(<"$WORK_DIR/curl-error.$BASHPID") ;;
    *) POST_ERROR="HTTP $code: $(head -c 300 "$WORK_DIR/answer.$BASHPID" 2>/dev/null || true)" ;;
  esac
  case $code in 000 | 408 | 429 | 5??) return 1 ;; *) return 2 ;; esac
}

# notify_body STATE [PROGRESS] [MESSAGE] [FILE]: the file has more members of the body, as JSON.
notify_body() {
  jq --null-input --compact-output --arg state "$1" --arg progress "${2-}" --arg message "${3-}" --slurpfile more "${4:-/dev/null}" '
    {$state}
    + (if $progress == "" then {} else {progress: ($progress | tonumber)} end)
    + (if $message == "" then {} else {$message} end)
    + ($more | add // {})'
}

# notify STATE [PROGRESS] [MESSAGE] [FILE]: until it is taken, with growing pauses, for about two minutes.
notify() {
  local attempt status pause=1 attempts=${NOTIFY_ATTEMPTS:-12} body=$WORK_DIR/notify.$BASHPID
  notify_body "$@" >"$body"
  for ((attempt = 1; ; attempt++)); do
    status=0
    post notify application/json "$body" || status=$?
    ((status == 0)) && return 0
    printf 'notify %s: not taken (%s), attempt %d of %d\n' "$1" "$POST_ERROR" "$attempt" "$attempts" >&2
    ((status == 2 || attempt == attempts)) && return 1
    sleep "$pause"
    pause=$((pause < 15 ? pause * 2 : 15))
  done
}

# progress PERCENT MESSAGE: noted here, told by the reporter within seconds.
progress() {
  printf '%s\n%s\n' "$1" "$2" >"$WORK_DIR/progress"
}

tell_progress() {
  local told=$1 lines
  mapfile -t lines <"$WORK_DIR/progress"
  [[ ${#lines[@]} -eq 2 && ${lines[*]} != "$told" ]] || return 0
  notify_body "$STATE" "${lines[0]}" "${lines[1]}" >"$WORK_DIR/progress.json"
  # The next one comes in seconds: a lost one is not worth a retry.
  post notify application/json "$WORK_DIR/progress.json" || true
  TOLD=${lines[*]}
}

# Sends what was printed since SHIPPED. A piece that nobody took stays for the next round.
ship_log() {
  local size status
  size=$(stat --format=%s "$WORK_DIR/log")
  while ((SHIPPED < size)); do
    dd if="$WORK_DIR/log" of="$WORK_DIR/piece" bs=64K iflag=skip_bytes skip="$SHIPPED" count=1 status=none
    status=0
    post log text/plain "$WORK_DIR/piece" || status=$?
    ((status == 1)) && return 1
    SHIPPED=$((SHIPPED + $(stat --format=%s "$WORK_DIR/piece")))
  done
}

# Runs in the background until it is woken to end: sends the log, and every other time the newest progress. Every second at first,
# then rarer by a second each minute, down to every fifth: a thousand machines that write images for long are a crowd to listen to.
reporter() {
  local SHIPPED=0 TOLD='' ticks=0 pause=1 began=$SECONDS
  trap - ERR EXIT
  set +e
  until read -r -t "$pause" -u "$WAKE"; do
    ship_log
    ((ticks++ % 2)) || tell_progress "$TOLD"
    pause=$((1 + (SECONDS - began) / 60))
    pause=$((pause < 5 ? pause : 5))
  done
  ship_log || { sleep 1 && ship_log; } || { sleep 2 && ship_log; }
}

start_reporting() {
  : >"$WORK_DIR/log" && : >"$WORK_DIR/progress"
  mkfifo "$WORK_DIR/wake"
  exec {WAKE}<>"$WORK_DIR/wake" {CONSOLE}>&1
  reporter >&"$CONSOLE" 2>&1 &
  REPORTER_PID=$!
  # -p: a console that goes away must not end the installation.
  exec > >(exec tee -p -a "$WORK_DIR/log") 2>&1
  TEE_PID=$!
}

# Waits at most SECONDS for a process to end, then ends it.
wait_or_kill() {
  local ticks=$(($2 * 10))
  while ((ticks-- > 0)) && kill -0 "$1" 2>/dev/null; do sleep 0.1; done
  kill "$1" 2>/dev/null || true
}

# Everything printed so far reaches the controller before this returns (or the controller is not there).
stop_reporting() {
  [[ $REPORTER_PID ]] || return 0
  exec >&"$CONSOLE" 2>&1
  wait_or_kill "$TEE_PID" 5
  printf 'stop\n' >&"$WAKE"
  wait_or_kill "$REPORTER_PID" 60
  REPORTER_PID=''
}

# Runs the steps one after another, and says what happened when one of them fails.
# Needs notify.sh; the script defines `leave_safe`, which is called when a step has failed.

STEP='' STEP_NUMBER=0 STEP_COUNT=0 PROGRESS_FROM=0 PROGRESS_TO=0

# What the step was doing, in one line of its own, then the last lines it printed.
failure_reason() {
  local what
  if [[ -s $WORK_DIR/failure ]]; then
    what=$(<"$WORK_DIR/failure")
  elif [[ -s $WORK_DIR/failed-command ]]; then
    what="$(<"$WORK_DIR/failed-command"); last lines: $(tail -n 5 "$WORK_DIR/log" 2>/dev/null)"
  else
    what="ended with status $1"
  fi
  printf 'step %d/%d %s: %s' "$STEP_NUMBER" "$STEP_COUNT" "${STEP//_/ }" "$what" | head -c 4000
}

note_failed_command() {
  printf 'command "%s" ended with status %d (line %d)' "$3" "$1" "$2" >"$WORK_DIR/failed-command"
}

# On every way out. A report that cannot be delivered does not change what the script ends with.
report_end() {
  local status=$? reason
  trap - ERR EXIT
  set +e
  if ((status != 0)); then
    reason=$(failure_reason "$status")
    printf 'FAILED: %s\n' "$reason"
    leave_safe
    stop_reporting
    NOTIFY_ATTEMPTS=${FAILURE_ATTEMPTS:-6} notify failed '' "$reason" || printf 'The failure could not be reported.\n'
  fi
  stop_reporting
  rm -rf "$WORK_DIR"
  exit "$status"
}

# run_steps NAME:PERCENT…: PERCENT is where the whole stands when the step begins.
run_steps() {
  local number began
  STEP_COUNT=$#
  for ((number = 1; number <= STEP_COUNT; number++)); do
    STEP=${!number%:*} STEP_NUMBER=$number PROGRESS_FROM=${!number#*:} PROGRESS_TO=100
    if ((number < STEP_COUNT)); then
      PROGRESS_TO=$((number + 1))
      PROGRESS_TO=${!PROGRESS_TO#*:}
    fi
    began=$SECONDS
    printf '== step %d/%d %s\n' "$STEP_NUMBER" "$STEP_COUNT" "${STEP//_/ }"
    progress "$PROGRESS_FROM" "step $STEP_NUMBER/$STEP_COUNT ${STEP//_/ }"
    "$STEP"
    printf '== step %d/%d done in %d s\n' "$STEP_NUMBER" "$STEP_COUNT" $((SECONDS - began))
  done
}

# step_progress DONE TOTAL MESSAGE: progress inside the present step.
step_progress() {
  progress $((PROGRESS_FROM + (PROGRESS_TO - PROGRESS_FROM) * $1 / ($2 > 0 ? $2 : 1))) "$3"
}

# start_steps STATE: the state under which progress is reported.
start_steps() {
  STATE=$1
  trap 'note_failed_command $? $LINENO "$BASH_COMMAND"' ERR
  trap report_end EXIT
  trap 'exit 143' TERM INT HUP
  start_reporting
}

# Nothing on the machine is touched before the controller knows that it is being worked on.
report_start() {
  notify "$STATE" 0 || fail "the controller did not take the state $STATE"
}

# The clock of a machine that was never set up can be years off: file times and certificates need better.
set_clock() {
  local date
  date=$(curl --silent --show-error --max-time 10 --output /dev/null --dump-header - "$CONTROLLER_URL" |
    sed -n 's/^[Dd]ate: *//p' | tr -d '\r' | tail -n 1)
  [[ $date ]] || fail "the controller at $CONTROLLER_URL sent no date to set the clock by"
  date --utc --set "$date"
}

# Which disks there are, which one is meant, and how its partitions are called.

# All disks that could carry an OS, as JSON: no loop, RAM or optical devices, nothing removable, nothing read-only.
list_disks() {
  lsblk --json --bytes --nodeps --output NAME,PATH,TYPE,SIZE,RO,RM,ROTA,TRAN,SERIAL,WWN,MODEL |
    with_paths | with_namespaces | usable_disks
}

usable_disks() {
  jq --compact-output '[.blockdevices[]
    | select(.type == "disk" and (.ro | not) and (.rm | not) and .tran != "usb" and .size > 0)
    | select(.name | test("^(ram|zram|loop|fd|sr|md|dm-|nbd|mtd)|boot[0-9]+$") | not)]'
}

# Adds the stable names of /dev/disk (links such as ../../sda) to every device.
with_paths() {
  local links
  links=$({ find /dev/disk/by-path /dev/disk/by-id -type l -printf '%l\t%p\n' 2>/dev/null || true; } |
    jq --raw-input --null-input '[inputs / "\t"] | group_by(.[0]) | map({key: .[0][0][6:], value: map(.[1])}) | from_entries')
  jq --compact-output --argjson links "$links" '.blockdevices[] |= . + {links: ($links[.name] // [])}'
}

# Adds what the kernel knows of the namespaces of NVMe controllers: number, NGUID, EUI-64, UUID.
with_namespaces() {
  local namespaces
  namespaces=$({ grep --with-filename '' /sys/block/nvme*/{nsid,nguid,eui,uuid} 2>/dev/null || true; } |
    jq --raw-input --null-input '[inputs | capture("^/sys/block/(?<disk>[^/]+)/[a-z]+:(?<id>.*)$")]
      | group_by(.disk) | map({key: .[0].disk, value: map(.id)}) | from_entries')
  jq --compact-output --argjson namespaces "$namespaces" '.blockdevices[] |= . + {namespace: ($namespaces[.name] // [])}'
}

# pick_disks HINT NEEDED_BYTES COUNT, candidates on standard input: prints the paths of those that are meant.
# With a hint as many have to match all of it as are wanted. Without one it is the smallest that is large enough; when two are
# wanted, there must be two and no choice.
pick_disks() {
  local answer
  answer=$(jq --compact-output --argjson hint "$1" --argjson needed "$2" --argjson count "$3" '
    def plain: (. // "") | tostring | ascii_downcase | gsub("_"; " ") | gsub("^\\s+|\\s+$"; "");
    def wwn: plain | ltrimstr("0x") | ltrimstr("naa.");
    def hex: plain | ltrimstr("0x") | ltrimstr("eui.") | gsub("[ -]"; "");
    def shown: "\(.path) (serial \(.serial // "none"), wwn \(.wwn // "none"), model \(.model // "none"), \(.size) bytes, " +
      (if .rota then "rotational" else "not rotational" end) + ")";
    def list: if length == 0 then "there is none" else map(shown) | join("; ") end;
    def matches: . as $disk | all(
      ($hint.serial | . == null or plain == ($disk.serial | plain)),
      ($hint.wwn | . == null or wwn == ($disk.wwn | wwn)),
      ($hint.model | . == null or plain == ($disk.model | plain)),
      ($hint.path | . == null or . == $disk.path or IN($disk.links[])),
      ($hint.minSizeGb | . == null or $disk.size >= . * 1000000000),
      ($hint.maxSizeGb | . == null or $disk.size <= . * 1000000000),
      ($hint.rotational | . == null or . == $disk.rota),
      ($hint.transport | . == null or . == $disk.tran),
      ($hint.nvmeNamespace | . == null or (hex as $wanted | any($disk.namespace // [] | .[]; hex == $wanted))); .);
    . as $all | map(select(matches)) as $hinted | ($hinted | map(select(.size >= $needed))) as $fitting
    | if ($hinted | length) == 0 then {error: "no disk matches the root device hint \($hint); candidates: \($all | list)"}
      elif ($fitting | length) == 0 then {error: "no disk has the \($needed) bytes that the partitions need; candidates: \($hinted | list)"}
      elif $hint != {} and ($hinted | length) > $count then {error: "more than \(if $count == 1 then "one disk matches" else "two disks match" end) the root device hint \($hint): \($hinted | list)"}
      elif $count == 2 and ($fitting | length) < 2 then {error: "RAID 1 needs two disks of \($needed) bytes; candidates: \($hinted | list)"}
      elif $count == 2 and ($fitting | length) > 2 then {error: "more than two disks could be mirrored, and the root device hint does not tell which: \($fitting | list)"}
      else {paths: ($fitting | sort_by(.size, .serial // "", .path)[:$count] | map(.path))} end')
  [[ $answer == '{"paths":'* ]] || fail "$(jq --raw-output .error <<<"$answer")"
  jq --raw-output '.paths[]' <<<"$answer"
}

# partition_path DISK NUMBER: sda1, but nvme0n1p1.
partition_path() {
  case $1 in
    *[0-9]) printf '%sp%s\n' "$1" "$2" ;;
    *) printf '%s%s\n' "$1" "$2" ;;
  esac
}

# list_partitions DISK: lines NUMBER PATH.
list_partitions() {
  local name
  while read -r name; do
    [[ ! -f /sys/class/block/$name/partition ]] || printf '%s /dev/%s\n' "$(<"/sys/class/block/$name/partition")" "$name"
  done < <(lsblk --noheadings --list --output NAME "$1")
}

# quietly COMMAND…: without the line that blkdiscard prints each time it is forced; there are thousands of them.
quietly() {
  "$@" 2>&1 | { grep --invert-match 'Operation forced' || true; } >&2
}

# zero_range DEVICE OFFSET LENGTH, in bytes. Writes zeros even where a discard would be claimed to do the same.
zero_range() {
  quietly blkdiscard --force --zeroout --offset "$2" --length "$3" "$1"
}

# What was made of disks or partitions (arrays, volumes, opened encrypted volumes) among the lines `KNAME NAME` of lsblk.
layers_among() {
  awk '$1 ~ /^\/dev\/(md[^p]*|dm-[0-9]+)$/ && !seen[$1]++ { print $2 }'
}

all_layers() {
  lsblk --noheadings --list --paths --output KNAME,NAME | layers_among
}

# Takes the layers off all disks, the topmost first; they would keep the disks busy.
release_disks() {
  local round layer
  swapoff --all
  for ((round = 1; round <= 10; round++)); do
    [[ $(all_layers) ]] || return 0
    for layer in $(all_layers); do release_layer "$layer"; done
  done
  fail "the kernel does not let go of $(all_layers | xargs): something still uses them"
}

# One that carries another is left for the next round.
release_layer() {
  [[ ! $(ls "/sys/class/block/$(basename "$(readlink --canonicalize "$1")")/holders") ]] || return 0
  case $(readlink --canonicalize "$1") in
    /dev/md*) mdadm --stop "$1" || true ;;
    *) dmsetup remove --retry "$1" || true ;;
  esac
}

reread_partitions() {
  local attempt
  for attempt in 1 2 3 4 5; do
    if command -v udevadm >/dev/null; then udevadm settle --timeout=10 || true; fi
    blockdev --rereadpt "$1" && break
    ((attempt < 5)) || fail "the kernel does not let go of the old partitions of $1"
    sleep 1
  done
  if command -v udevadm >/dev/null; then udevadm settle --timeout=10 || true; fi
}

# File-system, RAID, LVM and partition-table signatures, first in the partitions, then on the disk.
clear_signatures() {
  local part
  while read -r part; do
    [[ $part == "$1" ]] || wipefs --all --quiet --force "$part"
  done < <(lsblk --noheadings --list --paths --output NAME "$1" | tac)
  wipefs --all --quiet --force "$1"
  sgdisk --zap-all "$1" >/dev/null || true
}

# What a UEFI firmware starts, and in which order: one entry of ours for each disk that the OS starts from, behind the network.
# On BIOS all of this does nothing.

FIRMWARE_DIR=${FIRMWARE_DIR:-/sys/firmware/efi}
BOOT_ENTRY_LABEL=dodai

# The firmware's entries as efibootmgr shows them: "Boot0001* LABEL<tab>DEVICE PATH", and the line "BootOrder: 0001,0000".
boot_entries() {
  efibootmgr --verbose
}

own_entries() {
  boot_entries | sed -n "s/^Boot\([0-9A-F]\{4\}\)[* ] $BOOT_ENTRY_LABEL\t.*/\1/p"
}

# Cards and HTTP boot; the firmware makes and keeps these entries.
network_entries() {
  boot_entries | sed -n -E 's/^Boot([0-9A-F]{4})[* ] .*(MAC|IPv4|IPv6|Uri)\(.*/\1/p'
}

# The order with these entries right behind the last one that boots from the network; in front where there is none.
order_with() {
  local entry order network front=() back=()
  IFS=, read -r -a order < <(boot_entries | sed -n 's/^BootOrder: //p') || true
  network=$(network_entries)
  for entry in "${order[@]}"; do
    [[ " $* " != *" $entry "* ]] || continue
    back+=("$entry")
    if [[ $'\n'"$network"$'\n' == *$'\n'"$entry"$'\n'* ]]; then
      front+=("${back[@]}")
      back=()
    fi
  done
  printf '%s\n' "${front[@]}" "$@" "${back[@]}" | sed '/^$/d' | paste -sd,
}

# What former installations left goes, wherever it points: a machine is one instance.
remove_boot_entries() {
  local entry
  [[ -d $FIRMWARE_DIR ]] || return 0
  for entry in $(own_entries); do efibootmgr --quiet --bootnum "$entry" --delete-bootnum; done
}

# create_boot_entry LOADER PARTITION
create_boot_entry() {
  local disk number
  disk=$(lsblk --noheadings --nodeps --paths --output PKNAME "$2")
  number=$(cat "/sys/class/block/${2##*/}/partition")
  efibootmgr --quiet --create-only --disk "$disk" --part "$number" --label "$BOOT_ENTRY_LABEL" --loader "$1"
}

write_boot_entries() {
  local loader=$1 partition entries
  shift
  remove_boot_entries || return 1
  for partition in "$@"; do create_boot_entry "$loader" "$partition" || return 1; done
  mapfile -t entries < <(own_entries)
  efibootmgr --quiet --bootorder "$(order_with "${entries[@]}")"
}

# set_boot_entries LOADER PARTITION…: an entry for each system partition, with its loader such as '\EFI\debian\shimx64.efi'.
# The disk starts through the network loader without it too: firmware that takes no entry fails no installation.
set_boot_entries() {
  [[ -d $FIRMWARE_DIR ]] || return 0
  if write_boot_entries "$@"; then
    boot_entries | grep -E "^BootOrder|[* ] $BOOT_ENTRY_LABEL" || true
  else
    printf 'warning: the firmware takes no boot entry; the network loader starts \\EFI\\BOOT\\BOOTX64.EFI of the disk\n'
  fi
}

# Takes away what says what is on a disk: afterwards nothing on it starts, and nothing finds an array, a volume or a key.

MARGIN_MIB=16

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

layers_on() {
  lsblk --noheadings --list --paths --output KNAME,NAME "$@" | layers_among
}

# Disks and partitions that something is made of.
carriers_on() {
  local device name
  for device in $(lsblk --noheadings --list --paths --output KNAME "$@" | grep --invert-match --extended-regexp '^/dev/(md|dm-)'); do
    name=${device#/dev/}
    [[ ! $(ls "/sys/class/block/${name//\//!}/holders") ]] || printf '%s\n' "$device"
  done
}

# clear_layers DISK…: what is inside, then what it was made of, in rounds: half of a mirror that is out of date is put together
# only when the other half is gone.
clear_layers() {
  local round layers carriers device
  for ((round = 1; round <= 10; round++)); do
    open_layers
    layers=$(layers_on "$@")
    [[ $layers ]] || return 0
    carriers=$(carriers_on "$@")
    for device in $layers; do
      printf 'clearing %s\n' "$device"
      wipefs --all --force "$device"
      zero_ends "$device"
    done
    release_disks
    for device in $carriers; do zero_ends "$device"; done
  done
  fail "what is on the disks is put together again and again: $(xargs <<<"$layers")"
}

clear_disk_metadata() {
  local part
  while read -r _ part; do zero_ends "$part"; done < <(list_partitions "$1")
  clear_signatures "$1"
  zero_ends "$1"
  reread_partitions "$1"
}

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

# Erases disks by commands of their own, which reach what no write reaches: NVMe Format and Sanitize, ATA Security Erase.

# Of an erase of ours alone: the disk forgets it when it is erased. An erase that was cut short is carried out with it later.
ATA_PASSWORD=dodai

# secure_erase_method DISK: prints the method that this disk knows, or fails with what to choose instead.
secure_erase_method() {
  case $1 in
    /dev/nvme*) nvme id-ctrl "$1" --output-format=json | nvme_method "$1" ;;
    *) { hdparm -I "$1" 2>/dev/null || true; } | ata_security | ata_method "$1" ;;
  esac
}

# nvme_method DISK, the controller's identity as JSON on standard input. OACS bit 1: it formats; FNA bit 2: also by a new key;
# SANICAP: it sanitizes by a new key (bit 0), by erasing blocks (bit 1), by overwriting (bit 2). NVMe base specification 2.0, 5.17.2.1.
nvme_method() {
  local method
  method=$(jq --raw-output '
    def has(bit): ((. // 0) / bit | floor) % 2 == 1;
    if .oacs | has(2) then (if .fna | has(4) then "nvme_format_crypto" else "nvme_format" end)
    elif .sanicap | has(2) then "nvme_sanitize_block"
    elif .sanicap | has(1) then "nvme_sanitize_crypto"
    elif .sanicap | has(4) then "nvme_sanitize_overwrite"
    else "" end')
  [[ $method ]] || fail "$1 has no secure erase: its NVMe controller can neither format nor sanitize; its instance type needs wipe mode overwrite or discard"
  printf '%s\n' "$method"
}

# As it is formatted now: sector size, metadata and protection stay. The namespace's identity as JSON on standard input.
nvme_format_options() {
  jq --raw-output '"--lbaf=\(.flbas % 16) --ms=\(.flbas / 16 | floor % 2) --pi=\(.dps % 8) --pil=\(.dps / 8 | floor % 2)"'
}

nvme_format() {
  local options ses=1
  [[ $2 != nvme_format_crypto ]] || ses=2
  options=$(nvme id-ns "$1" --output-format=json | nvme_format_options)
  # shellcheck disable=SC2086 # several options
  carry_out "$1" 0 nvme format "$1" --ses=$ses $options --timeout=86400000 --force || fail "$1 did not take the NVMe format: retry, choose wipe mode overwrite, or replace it"
  reread_partitions "$1"
}

nvme_sanitize() {
  local -A actions=([nvme_sanitize_block]=2 [nvme_sanitize_overwrite]=3 [nvme_sanitize_crypto]=4)
  local size sanitized state
  size=$(blockdev --getsize64 "$1")
  carry_out "$1" 0 nvme sanitize "$1" --sanact="${actions[$2]}" || fail "$1 did not take the NVMe sanitize: retry, choose wipe mode overwrite, or replace it"
  while read -r sanitized state < <(nvme get-log "$1" --log-id=0x81 --log-len=20 --raw-binary | sanitize_state); do
    note_wiped "$1" "$(share_of "$size" "$sanitized" 65536)"
    case $state in
      done) return 0 ;;
      failed) fail "$1 says that its NVMe sanitize failed: replace it" ;;
    esac
    sleep 1
  done
  fail "$1 does not say how its NVMe sanitize goes"
}

# The sanitize status log on standard input: prints how far it is, in 65536ths, and running, done or failed.
# Bytes 0-1: progress; 2-3, bits 2:0: 0 never, 1 and 4 done, 2 under way, 3 failed. NVMe base specification 2.0, 5.16.1.23.
sanitize_state() {
  local words
  mapfile -t words < <(od --address-radix=n --format=u2 --endian=little --width=2 --read-bytes=4)
  ((${#words[@]} == 2)) || return 1
  case $((words[1] % 8)) in
    1 | 4) printf '%d done\n' "${words[0]}" ;;
    2) printf '%d running\n' "${words[0]}" ;;
    *) printf '%d failed\n' "${words[0]}" ;;
  esac
}

# What `hdparm -I` says of a disk's security, on standard input: words, one a line, and the minutes that each erase takes.
ata_security() {
  awk '
    /^Security:/ { inside = 1; next }
    /^[^ \t]/ { inside = 0 }
    inside {
      gsub(/[ \t]+/, " "); sub(/^ /, ""); sub(/ $/, "")
      if ($0 ~ /^(supported|enabled|locked|frozen)$/) print
      if ($0 == "supported: enhanced erase") print "enhanced"
      for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+min$/ && $(i + 1) == "for") {
        sub(/min$/, "", $i)
        print ($(i + 2) == "ENHANCED" ? "enhanced_minutes=" : "minutes=") $i
      }
    }'
}

# ata_method DISK, its security (see above) on standard input.
ata_method() {
  local security
  security=$(cat)
  case $'\n'$security$'\n' in
    *$'\nfrozen\n'*) fail "$1 is frozen: its firmware lets no secure erase through since power-on. Suspend and resume the machine or cut the power of the disk, then retry; or its instance type needs wipe mode overwrite" ;;
    *$'\nsupported\n'*enhanced$'\n'*) printf 'ata_enhanced_erase\n' ;;
    *$'\nsupported\n'*) printf 'ata_erase\n' ;;
    *) fail "$1 has no secure erase: it is no NVMe disk and knows no ATA security; its instance type needs wipe mode overwrite or discard" ;;
  esac
}

# Sets a password, without which no disk erases itself. One that is set already is that of an erase that was cut short.
ata_erase() {
  local security option=--security-erase minutes=minutes
  [[ $2 != ata_enhanced_erase ]] || option=--security-erase-enhanced minutes=enhanced_minutes
  security=$(hdparm -I "$1" | ata_security)
  grep --quiet --line-regexp enabled <<<"$security" ||
    hdparm --user-master u --security-set-pass "$ATA_PASSWORD" "$1" || fail "$1 did not take the password that a secure erase needs"
  minutes=$(sed -n "s/^$minutes=//p" <<<"$security")
  carry_out "$1" $((${minutes:-0} * 60)) hdparm --user-master u "$option" "$ATA_PASSWORD" "$1" || give_up_ata_erase "$1"
  security=$(hdparm -I "$1" | ata_security)
  # A disk that has erased itself has no password any more.
  ! grep --quiet --line-regexp enabled <<<"$security" || give_up_ata_erase "$1"
  reread_partitions "$1"
}

give_up_ata_erase() {
  hdparm --user-master u --security-disable "$ATA_PASSWORD" "$1" || true
  fail "$1 did not carry out its secure erase: it may be locked with a password of somebody else (hdparm --security-disable takes it away); or its instance type needs wipe mode overwrite"
}

# Shows that disks are wiped, and keeps what was done and what was read for the record.

PLACE_BYTES=$((1 << 20))

# places_of DISK METHOD: offsets of the MiB that are read back. After signatures alone only both ends are cleared; otherwise
# seventeen: the first, the middle, the last and between.
places_of() {
  local size last place places=16
  size=$(blockdev --getsize64 "$1")
  last=$((size - PLACE_BYTES))
  [[ $2 != signatures ]] || places=1
  # Multiples of 4096: what direct reads need.
  for ((place = 0; place < places; place++)); do printf '%d\n' $((last * place / places / 4096 * 4096)); done
  printf '%d\n' $((last / 4096 * 4096))
}

# A text that nothing boots from, filling one place.
mark() {
  yes "dodai is wiping this disk for the instance $INSTANCE_ID" | head --bytes "$PLACE_BYTES" || true
}

# So that every place holds something that only the wipe can have taken away: the old content may have been zeros there.
mark_places() {
  local offset
  for offset in $(places_of "$1" marked); do
    mark | dd of="$1" bs=1M count=1 seek="$offset" iflag=fullblock oflag=direct,seek_bytes conv=notrunc,fsync status=none
  done
}

# held_at DISK OFFSET: what the MiB there holds, as the disk (not the page cache) has it: zeros, ones, mark or other.
held_at() {
  local file
  file=$(wipe_dir "$1")/place
  dd if="$1" of="$file" bs=1M count=1 skip="$2" iflag=direct,skip_bytes,fullblock status=none
  (($(stat --format=%s "$file") == PLACE_BYTES)) || fail "$1 cannot be read at offset $2"
  if (($(tr -d '\0' <"$file" | wc -c) == 0)); then
    printf 'zeros\n'
  elif (($(tr -d '\377' <"$file" | wc -c) == 0)); then
    printf 'ones\n'
  elif grep --quiet --text --fixed-strings "dodai is wiping this disk" "$file"; then
    printf 'mark\n'
  else
    printf 'other\n'
  fi
}

# What an erase by the disk itself leaves is the disk's choice (a new key makes noise of what was there), but never the mark.
is_wiped() {
  case $1 in
    signatures | discard | overwrite) [[ $2 == zeros ]] ;;
    *) [[ $2 != mark ]] ;;
  esac
}

# not_wiped DISK METHOD HELD OFFSET
not_wiped() {
  local held='something else than zeros'
  [[ $3 != mark ]] || held='what was there before'
  case $2 in
    discard) fail "$1 is not wiped: it took the discard and holds $held at offset $4: its instance type needs wipe mode secure_erase or overwrite" ;;
    signatures | overwrite) fail "$1 is not wiped: it took the zeros and holds $held at offset $4: replace it" ;;
    *) fail "$1 is not wiped: it took the secure erase and holds $held at offset $4: its instance type needs wipe mode overwrite, or replace it" ;;
  esac
}

# read_places DISK METHOD: fails unless each of them is wiped.
read_places() {
  local offset held dir
  dir=$(wipe_dir "$1")
  blockdev --flushbufs "$1"
  : >"$dir/read"
  for offset in $(places_of "$1" "$2"); do
    held=$(held_at "$1" "$offset")
    is_wiped "$2" "$held" || not_wiped "$1" "$2" "$held" "$offset"
    printf '%d %s\n' "$offset" "$held" >>"$dir/read"
  done
  rm -f "$dir/place"
  printf '%s: read back at %d places: %s\n' "$1" "$(wc -l <"$dir/read")" "$(cut -d' ' -f2 "$dir/read" | sort | uniq -c | xargs)"
}

# evidence_of DISK METHOD: what was done to it and what was read back, as JSON.
evidence_of() {
  local dir size
  dir=$(wipe_dir "$1")
  size=$(blockdev --getsize64 "$1")
  list_disks | jq --compact-output --arg path "$1" --arg method "$2" --argjson size "$size" --argjson bytes "$PLACE_BYTES" \
    --arg command "$(<"$dir/command")" --argjson seconds "$(<"$dir/seconds")" --rawfile read "$dir/read" '
    [$read | split("\n")[] | select(. != "") | split(" ")] as $places
    | (reduce $places[][1] as $held ({zeros: 0, ones: 0, other: 0}; .[$held] += 1)) as $held
    | .[] | select(.path == $path) | {
        disk: $path, serial, wwn, model, sizeBytes: $size, method: $method, command: $command, seconds: $seconds,
        readBack: {placeBytes: $bytes, offsets: [$places[][0] | tonumber], held: $held, marked: ($method != "signatures")}
      }'
}

# The evidence of all disks in one sentence, evidence on standard input.
told_evidence() {
  jq --raw-output '
    def held: to_entries | map(select(.value > 0) | .key) | join(", ");
    (if length == 1 then "1 disk is wiped: " else "\(length) disks are wiped: " end)
    + (map("\(.disk) (\(.method), \(.seconds) s, \(.readBack.offsets | length) places read back: \(.readBack.held | held))") | join("; "))
    | .[:4000]'
}

DISKS=''

# Whatever has been cleared stays cleared; nothing is put back.
leave_safe() {
  :
}

find_disks() {
  DISKS=$(list_disks | jq --raw-output '.[].path')
  [[ $DISKS ]] || fail 'no disk was found: nothing was wiped, so nothing can be called wiped'
  lsblk --nodeps --output NAME,SIZE,ROTA,TRAN,SERIAL,MODEL
}

# All of them before any long work: from here on the machine cannot start its old OS.
clear_metadata() {
  local disk
  # shellcheck disable=SC2086 # several disks
  clear_layers $DISKS
  release_disks
  for disk in $DISKS; do clear_disk_metadata "$disk"; done
  remove_boot_entries || printf 'warning: the firmware keeps its entry for the OS that was here\n'
}

read_back() {
  local disk
  for disk in $DISKS; do
    read_places "$disk" "${METHODS[$disk]}"
    evidence_of "$disk" "${METHODS[$disk]}" >>"$WORK_DIR/evidence"
  done
}

# The log goes first: once the controller knows, it switches the machine off.
report_deleted() {
  local message
  message=$(jq --slurp . "$WORK_DIR/evidence" | told_evidence)
  jq --slurp '{wipe: .}' "$WORK_DIR/evidence" >"$WORK_DIR/wipe.json"
  printf '%s\n' "$message"
  stop_reporting
  notify deleted 100 "$message" "$WORK_DIR/wipe.json" || fail 'the controller did not take deleted'
}

start_steps delete
run_steps report_start:0 set_clock:1 find_disks:2 clear_metadata:3 choose_methods:7 wipe_disks:8 read_back:95 report_deleted:100
