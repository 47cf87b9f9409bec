#!/bin/bash
# Wipes the disks of the machine that instance 6f9619ff-8b86-4d01-b42d-00cf4fc964ff was on: run by the live image.
set -Eeuo pipefail

INSTANCE_ID=6f9619ff-8b86-4d01-b42d-00cf4fc964ff
CONTROLLER_URL=http://10.77.0.1:7071
TOKEN=tok_Zm9vYmFy
# quick: signatures and partition tables; discard: blkdiscard as well; overwrite: zeros on every sector.
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

# notify_body STATE [PROGRESS] [MESSAGE]
notify_body() {
  jq --null-input --compact-output --arg state "$1" --arg progress "${2-}" --arg message "${3-}" '
    {$state}
    + (if $progress == "" then {} else {progress: ($progress | tonumber)} end)
    + (if $message == "" then {} else {$message} end)'
}

# notify STATE [PROGRESS] [MESSAGE]: until it is taken, with growing pauses, for about two minutes.
notify() {
  local attempt status pause=1 attempts=${NOTIFY_ATTEMPTS:-12} body=$WORK_DIR/notify.$BASHPID
  notify_body "$@" >"$body"
  for ((attempt = 1; attempt <= attempts; attempt++)); do
    status=0
    post notify application/json "$body" || status=$?
    ((status == 0)) && return 0
    printf 'notify %s: not taken (%s), attempt %d of %d\n' "$1" "$POST_ERROR" "$attempt" "$attempts" >&2
    ((status == 2)) && return 1
    sleep "$pause"
    pause=$((pause < 15 ? pause * 2 : 15))
  done
  return 1
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
  local SHIPPED=0 TOLD='' tries ticks=0 pause=1 began=$SECONDS
  trap - ERR EXIT
  set +e
  until read -r -t "$pause" -u "$WAKE"; do
    ship_log
    ((ticks++ % 2)) || tell_progress "$TOLD"
    pause=$((1 + (SECONDS - began) / 60))
    pause=$((pause < 5 ? pause : 5))
  done
  for tries in 1 2 3; do
    ship_log && break
    sleep "$tries"
  done
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
    NOTIFY_ATTEMPTS=6 notify failed '' "$reason" || printf 'The failure could not be reported.\n'
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
  lsblk --json --bytes --nodeps --output NAME,PATH,TYPE,SIZE,RO,RM,ROTA,TRAN,SERIAL,WWN,MODEL | with_paths | usable_disks
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

# pick_disk HINT NEEDED_BYTES, candidates on standard input: prints the path of the one that is meant.
# With a hint exactly one disk has to match all of it; without one it is the smallest that is large enough.
pick_disk() {
  local answer
  answer=$(jq --compact-output --argjson hint "$1" --argjson needed "$2" '
    def plain: (. // "") | tostring | ascii_downcase | gsub("_"; " ") | gsub("^\\s+|\\s+$"; "");
    def wwn: plain | ltrimstr("0x") | ltrimstr("naa.");
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
      ($hint.rotational | . == null or . == $disk.rota); .);
    . as $all | map(select(matches)) as $hinted | ($hinted | map(select(.size >= $needed))) as $fitting
    | if ($hinted | length) == 0 then {error: "no disk matches the root device hint \($hint); candidates: \($all | list)"}
      elif ($fitting | length) == 0 then {error: "no disk has the \($needed) bytes that the partitions need; candidates: \($hinted | list)"}
      elif $hint != {} and ($hinted | length) > 1 then {error: "more than one disk matches the root device hint \($hint): \($hinted | list)"}
      else {path: ($fitting | sort_by(.size, .serial // "", .path)[0].path)} end')
  [[ $answer == '{"path":'* ]] || fail "$(jq --raw-output .error <<<"$answer")"
  jq --raw-output .path <<<"$answer"
}

# partition_path DISK NUMBER: sda1, but nvme0n1p1.
partition_path() {
  case $1 in
    *[0-9]) printf '%sp%s\n' "$1" "$2" ;;
    *) printf '%s%s\n' "$1" "$2" ;;
  esac
}

# Arrays and volume groups that the kernel assembled from old metadata would keep the disks busy.
release_disks() {
  swapoff --all
  if command -v vgchange >/dev/null; then LVM_SUPPRESS_FD_WARNINGS=1 vgchange --activate n >/dev/null || true; fi
  if command -v mdadm >/dev/null; then mdadm --stop --scan >/dev/null 2>&1 || true; fi
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

DISKS='' EVIDENCE='[]'

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
  release_disks
  for disk in $DISKS; do clear_disk_metadata "$disk"; done
}

wipe_data() {
  local disk
  for disk in $DISKS; do
    BYTES_BEFORE=$BYTES_WIPED BEGAN=$SECONDS
    wipe_disk "$disk" "$WIPE_MODE"
    BYTES_WIPED=$((BYTES_BEFORE + $(blockdev --getsize64 "$disk")))
    EVIDENCE=$(add_evidence "$disk" $((SECONDS - BEGAN)))
  done
}

read_back() {
  local disk
  for disk in $DISKS; do check_zeros "$disk" "$WIPE_MODE"; done
}

# The log goes first: once the controller knows, it switches the machine off.
report_deleted() {
  printf 'wiped: %s\n' "$EVIDENCE"
  stop_reporting
  notify deleted 100 "$EVIDENCE" || fail 'the controller did not take deleted'
}

start_steps delete
run_steps report_start:0 set_clock:1 find_disks:2 clear_metadata:3 wipe_data:8 read_back:95 report_deleted:100
