#!/bin/bash
# Installs instance 6f9619ff-8b86-4d01-b42d-00cf4fc964ff: run by the live image of the machine that gets it.
set -Eeuo pipefail

INSTANCE_ID=6f9619ff-8b86-4d01-b42d-00cf4fc964ff
CONTROLLER_URL=http://10.77.0.1:7071
TOKEN=tok_Zm9vYmFy

IMAGE_ID=0b0e9d6c-3f53-4c7b-9f5e-6b8a2f1f7a11
IMAGE_KIND=file_system
IMAGE_TYPE=node
IMAGE_URL=http://10.77.0.1:7071/boot/images/0b0e9d6c-3f53-4c7b-9f5e-6b8a2f1f7a11
IMAGE_CHUNKS_URL=http://10.77.0.1:7071/boot/images/0b0e9d6c-3f53-4c7b-9f5e-6b8a2f1f7a11/chunks
IMAGE_CHUNKS_SHA256=abababababababababababababababababababababababababababababababab
IMAGE_COMPRESSED_BYTES=120000000
IMAGE_UNCOMPRESSED_BYTES=500000000
IMAGE_DATA_BYTES=300000000
READ_BACK=sampled
KERNEL_ARGUMENTS='console=tty0 console=ttyS0,115200n8'

BOOT_MODE=bios
HOST_NAME=db1.example.org
PXE_MAC=52:54:00:12:34:56
PXE_IP=10.77.0.21
STORAGE_MAC=''
STORAGE_IP=''
SERVICE_MAC1=''
SERVICE_MAC2=''
SSH_KEYS=(
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0 operator@example.org'
)
USER_DATA='#!/bin/sh
echo "it'"'"'s $(hostname)" >/root/hello
'
PASSWORD_HASH=''
# true: user data that only cloud-init reads.
NEEDS_CLOUD_INIT=false
CONFIG_DRIVE_URL=''
METADATA_URL=''
# true: for the resource pool, where it waits for its owner.
POOLED=false

ROOT_DEVICE_HINT='{"serial":"DISK 1","rotational":false}'
DISK_LAYOUT='{"disks":1,"neededMib":3526,"partitions":[{"name":"bios-boot","use":"bios_boot","sizeMib":5,"fileSystem":null,"mountPoint":null,"encrypted":false,"number":1,"partitionMib":5,"mirrored":false,"volumes":[]},{"name":"root","use":"root","sizeMib":2500,"fileSystem":"ext4","mountPoint":null,"encrypted":false,"number":2,"partitionMib":2500,"mirrored":false,"volumes":[]},{"name":"swap","use":"swap","sizeMib":256,"fileSystem":null,"mountPoint":null,"encrypted":false,"number":3,"partitionMib":256,"mirrored":false,"volumes":[]},{"name":"kdump","use":"kdump","sizeMib":128,"fileSystem":"ext4","mountPoint":null,"encrypted":false,"number":4,"partitionMib":128,"mirrored":false,"volumes":[]},{"name":"ephemeral","use":"data","sizeMib":null,"fileSystem":"ext4","mountPoint":"/mnt","encrypted":false,"number":5,"partitionMib":null,"mirrored":false,"volumes":[]},{"name":"config-2","use":"config_drive","sizeMib":64,"fileSystem":null,"mountPoint":null,"encrypted":false,"number":6,"partitionMib":64,"mirrored":false,"volumes":[]}]}'

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

# Divides disks as DISK_LAYOUT says: JSON that the controller has worked out, so that nothing is left to be understood. Sizes in
# MiB. On the partitions it makes what is to be there: mirrors, a volume group, encryption, file systems.
# Sets DISKS (two when mirrored), ROOT_DEVICE, DEVICE_OF (devices by the names of volumes), and for the boot loader BOOT_DISKS and
# ESP_DEVICES (none with BIOS firmware).

DISKS=() BOOT_DISKS=() ESP_DEVICES=() ROOT_DEVICE=''
declare -A DEVICE_OF=()
export LVM_SUPPRESS_FD_WARNINGS=1

# Fields of a volume for `read`; "-" where there is none. None of them has spaces.
VOLUME_FIELDS='"\(.name) \(.use) \(.sizeMib // "-") \(.fileSystem // "-") \(.mountPoint // "-") \(.encrypted)"'

# planned FILTER: to jq "volumes" are the partitions, and what is in a volume group.
planned() {
  jq --raw-output "def volumes: .partitions[], .partitions[].volumes[]; $1" <<<"$DISK_LAYOUT"
}

# has_planned CONDITION: some volume is so.
has_planned() {
  [[ $(planned "any(volumes; $1)") == true ]]
}

choose_disk() {
  local paths
  paths=$(list_disks | pick_disks "$ROOT_DEVICE_HINT" "$(planned '.neededMib * 1048576')" "$(planned .disks)")
  mapfile -t DISKS <<<"$paths"
  printf 'installing %s on %s\n' "$HOST_NAME" "${DISKS[*]}"
  lsblk --output NAME,SIZE,ROTA,TRAN,SERIAL,MODEL "${DISKS[@]}"
}

check_that_image_fits() {
  local root_mib
  root_mib=$(planned 'volumes | select(.use == "root").sizeMib // empty')
  [[ -z $root_mib ]] || ((IMAGE_UNCOMPRESSED_BYTES <= root_mib << 20)) ||
    fail "image $IMAGE_ID has $IMAGE_UNCOMPRESSED_BYTES bytes, its root file system only $root_mib MiB"
}

partition_disk() {
  local disk
  release_disks
  DISK_WRITTEN=yes
  for disk in "${DISKS[@]}"; do
    clear_signatures "$disk"
    create_partitions "$disk"
    reread_partitions "$disk"
  done
  make_volumes
}

# The config drive comes first, at the end of the disk: what takes the rest ends in front of it.
create_partitions() {
  local options at
  at=$(config_drive_at "$1")
  options=$(planned '
    {bios_boot: "EF02", esp: "EF00", swap: "8200", lvm: "8E00"} as $types
    | .partitions | sort_by(.use != "config_drive") | .[]
    | (if .use == "config_drive" then "'"$at"'M" else "0" end) as $start
    | (if .mirrored then "FD00" elif .encrypted then "8309" else $types[.use] // "8300" end) as $type
    | "--new=\(.number):\($start):\(if .partitionMib then "+\(.partitionMib)M" else "0" end)",
      "--typecode=\(.number):\($type)", "--change-name=\(.number):\(.name)"')
  mapfile -t options <<<"$options"
  sgdisk --clear --align-end "${options[@]}" "$1"
}

make_volumes() {
  local partitions number mirrored name use size file_system mount_point encrypted device
  BOOT_DISKS=("${DISKS[@]}") ESP_DEVICES=() CONFIG_DRIVE_DEVICES=() DEVICE_OF=()
  partitions=$(planned ".partitions[] | \"\\(.number) \\(.mirrored) \" + $VOLUME_FIELDS")
  while read -r -u 3 number mirrored name use size file_system mount_point encrypted; do
    case $use in
      bios_boot) continue ;;
      esp) make_esps "$number" && continue ;;
      config_drive) find_config_drives "$number" && continue ;;
    esac
    device=$(partition_path "${DISKS[0]}" "$number")
    if [[ $mirrored == true ]]; then
      device=/dev/md$number
      make_mirror "$device" "$name" "$number"
    fi
    clear_device "$device"
    case $use in
      lvm) make_volume_group "$name" "$device" ;;
      *) make_volume "$device" "$name" "$use" "$file_system" "$encrypted" ;;
    esac
  done 3<<<"$partitions"
}

# What an earlier installation has left at this very place.
clear_device() {
  wipefs --all --quiet --force "$1"
}

# One on each disk, and no mirror: firmware writes to it, and knows of none. The same volume id, so that whichever disk is left
# is found.
make_esps() {
  local disk device id
  id=$(od --address-radix=n --format=x4 --read-bytes=4 /dev/urandom | tr -d ' ')
  for disk in "${DISKS[@]}"; do
    device=$(partition_path "$disk" "$1")
    clear_device "$device"
    mkfs.vfat -F 32 -n ESP -i "$id" "$device"
    ESP_DEVICES+=("$device")
  done
}

# As many as disks.
find_config_drives() {
  local disk
  for disk in "${DISKS[@]}"; do CONFIG_DRIVE_DEVICES+=("$(partition_path "$disk" "$1")"); done
}

# make_mirror DEVICE NAME NUMBER. What is written goes to both disks at once; the rest is made equal later, by the OS: an
# installation does not wait for it, nor compete with it.
make_mirror() {
  local disk parts=()
  modprobe raid1
  printf '100\n' >/proc/sys/dev/raid/speed_limit_min
  printf '100\n' >/proc/sys/dev/raid/speed_limit_max
  for disk in "${DISKS[@]}"; do
    parts+=("$(partition_path "$disk" "$3")")
    clear_device "${parts[-1]}"
  done
  # In front of the data is just the room that the layout has counted.
  mdadm --create "$1" --run --metadata=1.2 --level=1 --raid-devices="${#parts[@]}" --data-offset=4M --bitmap=internal \
    --homehost=any --name="$2" "${parts[@]}"
}

# make_volume_group NAME DEVICE
make_volume_group() {
  local group=$1 volumes name use size file_system mount_point encrypted device extent
  modprobe dm_mod
  [[ ! $(vgs --noheadings --options vg_name --select "vg_name=$group") ]] ||
    fail "another disk of this machine has a volume group $group too: wipe that disk, or name the one of the layout otherwise"
  pvcreate --yes -ff "$2"
  vgcreate "$group" "$2"
  volumes=$(planned ".partitions[].volumes[] | $VOLUME_FIELDS")
  while read -r -u 4 name use size file_system mount_point encrypted; do
    extent=(--size "${size}m")
    [[ $size != - ]] || extent=(--extents 100%FREE)
    lvcreate --yes --wipesignatures y --name "$name" "${extent[@]}" "$group"
    device=/dev/mapper/${group//-/--}-${name//-/--}
    make_volume "$device" "$name" "$use" "$file_system" "$encrypted"
  done 4<<<"$volumes"
}

# make_volume DEVICE NAME USE FILE_SYSTEM ENCRYPTED
make_volume() {
  local device=$1
  if [[ $5 == true ]]; then
    encrypt "$1" "$2"
    device=/dev/mapper/${2}_crypt
  fi
  DEVICE_OF[$2]=$device
  case $3 in
    root) ROOT_DEVICE=$device ;;
    swap) mkswap --label "${2:0:15}" "$device" ;;
    *) make_file_system "$4" "$2" "$device" ;;
  esac
}

# encrypt DEVICE NAME. The key is as long and as random as keys can be: to derive it slowly would protect nothing.
encrypt() {
  mkdir -p "$WORK_DIR/keys"
  (umask 077 && head -c 64 /dev/urandom >"$WORK_DIR/keys/$2")
  cryptsetup luksFormat --batch-mode --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file "$WORK_DIR/keys/$2" "$1"
  cryptsetup open --key-file "$WORK_DIR/keys/$2" "$1" "${2}_crypt"
}

# make_file_system TYPE LABEL DEVICE
make_file_system() {
  case $1 in
    xfs) mkfs.xfs -q -f -L "${2:0:12}" "$3" ;;
    btrfs) mkfs.btrfs -q -f -L "$2" "$3" ;;
    *) "mkfs.$1" -q -F -L "${2:0:16}" "$3" ;;
  esac
}

# For an image that brings files and no file system.
make_root_file_system() {
  make_file_system "$(planned 'volumes | select(.use == "root").fileSystem')" root "$ROOT_DEVICE"
}

# Whatever is left of an installation that failed must not be started: no boot code, no root.
make_unbootable() {
  local disk boot
  if [[ -b $ROOT_DEVICE ]]; then
    wipefs --all --quiet --force "$ROOT_DEVICE"
    dd if=/dev/zero of="$ROOT_DEVICE" bs=1M count=16 conv=notrunc,fsync status=none
  fi
  for disk in "${DISKS[@]}"; do
    dd if=/dev/zero of="$disk" bs=440 count=1 conv=notrunc,fsync status=none
    boot=$(partition_path "$disk" 1)
    [[ ! -b $boot ]] || dd if=/dev/zero of="$boot" bs=1M count=5 conv=notrunc,fsync status=none
  done
}

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


# Brings the image, chunk by chunk: each is compressed by itself, and has its digest in a list, which has one too. One pass over
# the wire, taken up again at the last good chunk where it breaks; nothing is kept that was not checked. What becomes of a
# chunk is said by `keep_chunk FILE NUMBER` (of any chunk that is good) and `pass_on_chunk FILE` (of one after another).
# Needs IMAGE_KIND, IMAGE_URL, IMAGE_CHUNKS_URL, IMAGE_CHUNKS_SHA256, IMAGE_COMPRESSED_BYTES and IMAGE_DATA_BYTES.

# Lines of the list: OFFSET LENGTH PACKED_OFFSET PACKED_LENGTH SHA256 PACKED_SHA256. So many, from the first, are done with.
CHUNKS=() CHUNKS_DONE=0 BYTES_DONE=0
# Processes that unpack and check, in the order of the chunks. Each has up to 32 MiB of memory; more of them than processors, for
# some wait for the disk.
IN_WORK=() LANES=$(($(nproc) < 2 ? 2 : 4)) CHUNK_BYTES=$((16 << 20))
# What keeps it from going on, in words; what was found wrong once is not forgiven a second time.
TROUBLE='' WRONG_CHUNK='' WRONG_LIST=''
STREAM_BEGAN=0 LAST_TOLD=0 STREAM_WORD=writing WIRE_PID='' WIRE_ENDED=''

# fetch URL FROM: on standard output, from this byte on; for a process of its own. A connection that hangs is ended.
fetch() {
  exec curl --fail --silent --show-error --location --connect-timeout 10 --speed-limit 1024 --speed-time 60 \
    --continue-at "$2" --write-out '%{stderr}code=%{http_code}\n' "$1" 2>"$WORK_DIR/fetch"
}

# fetch_failed STATUS WHAT: sets TROUBLE; ends the script when trying again is no use.
fetch_failed() {
  TROUBLE="$2: $(sed '/^code=/d' "$WORK_DIR/fetch")"
  # 22: the server answered with an error, which gets better when it is one of its own; 33: it cannot continue.
  case $1:$(sed -n 's/^code=//p' "$WORK_DIR/fetch") in 22:5??) ;; 22:* | 33:*) fail "$TROUBLE" ;; esac
}

# until_done COMMAND: again while it sets TROUBLE, for about two minutes without a good chunk: a controller that is started anew
# must not cost the installations under way.
until_done() {
  local attempt=1 pause=1 before=$CHUNKS_DONE attempts=${FETCH_ATTEMPTS:-12}
  while true; do
    TROUBLE=''
    "$1"
    [[ $TROUBLE ]] || return 0
    ((CHUNKS_DONE == before)) || attempt=1 pause=1
    before=$CHUNKS_DONE
    printf 'image: %s, attempt %d of %d\n' "$TROUBLE" "$attempt" "$attempts"
    ((attempt++ < attempts)) || fail "$TROUBLE"
    sleep "$pause"
    pause=$((pause < 15 ? pause * 2 : 15))
  done
}

fetch_chunk_list() {
  until_done try_list
  mapfile -t CHUNKS <"$WORK_DIR/chunks"
  printf 'image: %s, %d chunks, %d bytes of data, %d over the wire\n' "${IMAGE_KIND//_/ }" "${#CHUNKS[@]}" "$IMAGE_DATA_BYTES" \
    "$IMAGE_COMPRESSED_BYTES"
}

try_list() {
  local status=0 found
  (fetch "$IMAGE_CHUNKS_URL" 0) >"$WORK_DIR/chunks" || status=$?
  if ((status != 0)); then
    fetch_failed "$status" 'the download of the list of chunks failed'
    return 0
  fi
  found=$(openssl dgst -sha256 -r "$WORK_DIR/chunks")
  found=${found%% *}
  [[ $found != "$IMAGE_CHUNKS_SHA256" ]] || return 0
  TROUBLE="the list of chunks that came has SHA-256 $found, expected $IMAGE_CHUNKS_SHA256"
  [[ -z $WRONG_LIST ]] || fail "$TROUBLE"
  WRONG_LIST=yes
}

# Each chunk is received, unpacked, checked and kept, once.
stream_chunks() {
  CHUNKS_DONE=0 BYTES_DONE=0 STREAM_BEGAN=$SECONDS
  until_done try_chunks
  rm -f "$WORK_DIR"/chunk.*
}

# One connection, from the first chunk that is not done with.
try_chunks() {
  local wire number packed_offset
  ((CHUNKS_DONE < ${#CHUNKS[@]})) || return 0
  read -r _ _ packed_offset _ <<<"${CHUNKS[CHUNKS_DONE]}"
  WIRE_ENDED=''
  exec {wire}< <(trap - ERR EXIT && fetch "$IMAGE_URL" "$packed_offset")
  WIRE_PID=$!
  for ((number = CHUNKS_DONE; number < ${#CHUNKS[@]}; number++)); do
    receive_chunk "$number" <&"$wire"
    check_chunk "$number" &
    IN_WORK+=($!)
    ((${#IN_WORK[@]} < LANES)) || finish_chunk || break
  done
  while [[ -z $TROUBLE$WIRE_ENDED ]] && ((${#IN_WORK[@]} > 0)); do finish_chunk || break; done
  leave_work
  # What the stored file has after its last chunk.
  ((CHUNKS_DONE < ${#CHUNKS[@]})) || cat <&"$wire" >/dev/null
  exec {wire}<&-
  end_connection
}

# Those after a chunk that was wrong are received again, too.
leave_work() {
  ((${#IN_WORK[@]} == 0)) || wait "${IN_WORK[@]}" || true
  IN_WORK=()
}

# Why there is no more of the image, if the connection has ended by itself.
end_connection() {
  local status=0 came
  [[ $WIRE_ENDED ]] || kill "$WIRE_PID" 2>/dev/null || true
  wait "$WIRE_PID" || status=$?
  [[ $WIRE_ENDED ]] || return 0
  read -r _ _ came _ <<<"${CHUNKS[CHUNKS_DONE]}"
  came=$((came + WIRE_ENDED))
  ((status != 0)) || fail "the image is $IMAGE_COMPRESSED_BYTES bytes long, but $came bytes came"
  fetch_failed "$status" "the download of the image ended after $came of $IMAGE_COMPRESSED_BYTES bytes"
}

# receive_chunk NUMBER, the wire on standard input. Its files are in memory, where there are never more than LANES of them.
receive_chunk() {
  local packed_length
  read -r _ _ _ packed_length _ <<<"${CHUNKS[$1]}"
  dd of="$WORK_DIR/chunk.$(($1 % LANES)).zst" bs=1M count="$packed_length" iflag=fullblock,count_bytes status=none ||
    fail 'no memory left for the image'
}

# check_chunk NUMBER, in a process of its own. Ends with 1 when it is wrong, with 2 when it could not be kept.
check_chunk() {
  local file=$WORK_DIR/chunk.$(($1 % LANES)) found length packed_sha256
  trap - ERR EXIT
  read -r _ length _ _ _ packed_sha256 <<<"${CHUNKS[$1]}"
  # Of the packed chunk: there is less of it, and nothing is unpacked that is not known to be good. zstd has a checksum of the rest.
  found=$(openssl dgst -sha256 -r "$file.zst")
  [[ ${found%% *} == "$packed_sha256" ]] ||
    { printf 'has SHA-256 %s, expected %s' "${found%% *}" "$packed_sha256" >"$file.error" && exit 1; }
  # Over the memory of the chunk before, which is quicker than to have it given anew; a shorter one must not have its end.
  ((length == CHUNK_BYTES)) || rm -f "$file"
  zstd --decompress --quiet --stdout "$file.zst" 1<>"$file" 2>"$file.words" ||
    { printf 'cannot be decompressed: %s' "$(<"$file.words")" >"$file.error" && exit 1; }
  keep_chunk "$file" "$1" 2>"$file.error" || exit 2
}

# The oldest chunk in work. Fails when it was wrong for the first time.
finish_chunk() {
  local status=0 length file
  file=$WORK_DIR/chunk.$((CHUNKS_DONE % LANES))
  wait "${IN_WORK[0]}" || status=$?
  IN_WORK=("${IN_WORK[@]:1}")
  if ((status != 0)); then
    chunk_failed "$status" "$file"
    return 1
  fi
  pass_on_chunk "$file"
  read -r _ length _ <<<"${CHUNKS[CHUNKS_DONE]}"
  CHUNKS_DONE=$((CHUNKS_DONE + 1)) BYTES_DONE=$((BYTES_DONE + length))
  tell_of_stream
}

# chunk_failed STATUS FILE: sets WIRE_ENDED, to how much of it came, or TROUBLE.
chunk_failed() {
  local offset length packed_length came
  (($1 == 1)) || fail "writing the image to the disk failed: $(<"$2.error")"
  read -r offset length _ packed_length _ <<<"${CHUNKS[CHUNKS_DONE]}"
  came=$(stat --format=%s "$2.zst")
  if ((came < packed_length)); then
    WIRE_ENDED=$came
    return
  fi
  TROUBLE="chunk $((CHUNKS_DONE + 1)) of ${#CHUNKS[@]} (bytes $offset to $((offset + length)) of the image) $(<"$2.error")"
  [[ $WRONG_CHUNK != "$CHUNKS_DONE" ]] || fail "$TROUBLE, for the second time"
  WRONG_CHUNK=$CHUNKS_DONE
}

# Once a second.
tell_of_stream() {
  local done_mib=$((BYTES_DONE >> 20)) seconds=$((SECONDS > STREAM_BEGAN ? SECONDS - STREAM_BEGAN : 1))
  ((SECONDS != LAST_TOLD)) || return 0
  LAST_TOLD=$SECONDS
  step_progress "$BYTES_DONE" "$IMAGE_DATA_BYTES" \
    "$STREAM_WORD image: $done_mib of $((IMAGE_DATA_BYTES >> 20)) MiB, $((done_mib / seconds)) MiB/s"
}

# Writes an image to a device, each chunk at its place, and makes zeros of what is in none of them: what the device held before
# must not show through. Then what is on it is read again, past the page cache.
# Needs image.sh, IMAGE_UNCOMPRESSED_BYTES and READ_BACK; it goes to the root device, unless IMAGE_DEVICE is set.

# The most that is zeroed, or read, between two looks at the clock.
IMAGE_DEVICE=${IMAGE_DEVICE:-} PIECE_BYTES=$((256 << 20)) SAMPLES=18 SAMPLE_BYTES=$((4 << 20)) SECTOR_BYTES=512

# Past the page cache, which would only be filled for nothing. What comes last need not be a whole sector.
keep_chunk() {
  local offset
  read -r offset _ <<<"${CHUNKS[$2]}"
  dd if="$1" of="$IMAGE_DEVICE" bs=1M seek="$offset" oflag=direct,seek_bytes conv=notrunc status=none
}

pass_on_chunk() {
  :
}

# Lines OFFSET LENGTH of what is in no chunk.
list_holes() {
  local offset length end=0
  while read -r offset length _; do
    ((offset == end)) || printf '%d %d\n' "$end" $((offset - end))
    end=$((offset + length))
  done <"$WORK_DIR/chunks"
  ((end == IMAGE_UNCOMPRESSED_BYTES)) || printf '%d %d\n' "$end" $((IMAGE_UNCOMPRESSED_BYTES - end))
}

# zero_piece OFFSET LENGTH: up to the end of the sector.
zero_piece() {
  zero_range "$IMAGE_DEVICE" "$1" $((($2 + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES)) \
    2>"$WORK_DIR/zeroing" || fail "writing the image to the disk failed: $(<"$WORK_DIR/zeroing")"
}

zero_holes() {
  IMAGE_DEVICE=${IMAGE_DEVICE:-$ROOT_DEVICE}
  SECTOR_BYTES=$(blockdev --getss "$IMAGE_DEVICE")
  zero_runs $((IMAGE_UNCOMPRESSED_BYTES - IMAGE_DATA_BYTES)) < <(list_holes)
}

# zero_runs BYTES: lines OFFSET LENGTH on standard input, so many bytes together.
zero_runs() {
  local offset length piece runs=0 zeroed=0
  while read -r offset length; do
    runs=$((runs + 1))
    while ((length > 0)); do
      piece=$((length < PIECE_BYTES ? length : PIECE_BYTES))
      zero_piece "$offset" "$piece"
      offset=$((offset + piece)) length=$((length - piece)) zeroed=$((zeroed + piece))
      step_progress "$zeroed" "$1" "writing zeros: $((zeroed >> 20)) of $(($1 >> 20)) MiB"
    done
  done
  printf 'image: %d runs of %d bytes are zeros on %s\n' "$runs" "$zeroed" "$IMAGE_DEVICE"
}

stream_image() {
  stream_chunks
  # What the disk itself has taken and not yet written, too.
  sync "$IMAGE_DEVICE" || fail "writing the image to the disk failed: $IMAGE_DEVICE did not take all of it"
  printf 'image: %d bytes written to %s in %d s\n' "$BYTES_DONE" "$IMAGE_DEVICE" $((SECONDS - STREAM_BEGAN))
}

# Of the lines on standard input those that are read again: all of them, or the first, the last and as many between, evenly.
choose_samples() {
  if [[ $READ_BACK == full ]]; then
    cat
  else
    awk -v most="$SAMPLES" '{ line[NR] = $0 }
      END { count = NR < most ? NR : most
        for (i = 0; i < count; i++) print line[count < 2 ? 1 : 1 + int(i * (NR - 1) / (count - 1))] }'
  fi
}

# read_device OFFSET LENGTH: as the disk has it, not the page cache. An error is seen by what is missing then.
read_device() {
  local whole=$((($2 + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES))
  if ((whole == $2)); then read_sectors "$@"; else read_sectors "$1" "$whole" | head --bytes="$2"; fi
}

read_sectors() {
  dd if="$IMAGE_DEVICE" bs=4M skip="$1" count="$2" iflag=direct,fullblock,skip_bytes,count_bytes status=none || true
}

read_back_chunks() {
  local offset length sha256
  while read -r offset length _ _ sha256 _; do
    in_lane "$length" compare_chunk "$offset" "$length" "$sha256"
  done < <(choose_samples <"$WORK_DIR/chunks")
  finish_lanes
}

# Of a hole that is a sample, the beginning.
read_back_holes() {
  local offset length piece
  while read -r offset length; do
    [[ $READ_BACK == full ]] || length=$((length < SAMPLE_BYTES ? length : SAMPLE_BYTES))
    while ((length > 0)); do
      piece=$((length < CHUNK_BYTES ? length : CHUNK_BYTES))
      in_lane "$piece" compare_hole "$offset" "$piece"
      offset=$((offset + piece)) length=$((length - piece))
    done
  done < <(list_holes | choose_samples)
  finish_lanes
}

# in_lane LENGTH COMMAND...: in a process of its own, LANES of them at a time. It fails with what is wrong on standard output.
in_lane() {
  (trap - ERR EXIT && "${@:2}" >"$WORK_DIR/back.$((BACK_BEGUN % LANES))") &
  IN_WORK+=("$! $1")
  BACK_BEGUN=$((BACK_BEGUN + 1))
  ((${#IN_WORK[@]} < LANES)) || finish_lane
}

finish_lane() {
  local pid length
  read -r pid length <<<"${IN_WORK[0]}"
  wait "$pid" || fail "writing the image to the disk failed: read back, $(
  )$(<"$WORK_DIR/back.$(((BACK_BEGUN - ${#IN_WORK[@]}) % LANES))"): $IMAGE_DEVICE does not keep what it is given"
  IN_WORK=("${IN_WORK[@]:1}")
  told_back "$length"
}

finish_lanes() {
  while ((${#IN_WORK[@]} > 0)); do finish_lane; done
}

# compare_chunk OFFSET LENGTH SHA256
compare_chunk() {
  local found
  found=$(read_device "$1" "$2" | openssl dgst -sha256 -r)
  [[ ${found%% *} == "$3" ]] ||
    { printf 'the %d bytes from %d on have SHA-256 %s, expected %s' "$2" "$1" "${found%% *}" "$3" && return 1; }
}

# compare_hole OFFSET LENGTH. The live image has the cmp of busybox, which knows no long options.
compare_hole() {
  read_device "$1" "$2" | cmp -s -n "$2" - /dev/zero ||
    { printf 'the %d bytes from %d on are not all zero, though the image is empty there' "$2" "$1" && return 1; }
}

# told_back LENGTH
told_back() {
  BYTES_BACK=$((BYTES_BACK + $1))
  ((SECONDS != LAST_TOLD)) || return 0
  LAST_TOLD=$SECONDS
  step_progress "$BYTES_BACK" "$IMAGE_UNCOMPRESSED_BYTES" "reading back: $((BYTES_BACK >> 20)) MiB compared"
}

read_back() {
  BYTES_BACK=0 BACK_BEGUN=0
  if [[ $READ_BACK == none ]]; then
    printf 'image: not read back, as the instance type says\n'
    return
  fi
  blockdev --flushbufs "$IMAGE_DEVICE"
  read_back_chunks
  read_back_holes
  rm -f "$WORK_DIR"/back.*
  printf 'image: read back (%s), %d bytes on %s are what they should be\n' "$READ_BACK" "$BYTES_BACK" "$IMAGE_DEVICE"
}


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

# What makes an installed OS its owner's: names and keys. Needs TARGET, the directory where its root is mounted (empty in
# the OS itself), HOST_NAME and SSH_KEYS.

# put_file PATH MODE, content on standard input. Replaces a file or a link wholly or not at all.
put_file() {
  install -D --mode="$2" /dev/stdin "$TARGET$1.new"
  mv --force --no-target-directory "$TARGET$1.new" "$TARGET$1"
}

# write_host_name HOSTS: the image's own /etc/hosts, where images made for dodai have the word HOST where the name belongs.
write_host_name() {
  local hosts=''
  [[ ! -f $1 ]] || hosts=$(sed -e "s/\bHOST\b/$HOST_NAME/g" -e '/^127\.0\.1\.1[[:space:]]/d' "$1")
  [[ $hosts == *localhost* ]] || hosts=$'127.0.0.1\tlocalhost\n::1\tlocalhost\n'"$hosts"
  printf '%s\n127.0.1.1\t%s %s\n' "$hosts" "$HOST_NAME" "${HOST_NAME%%.*}" | put_file /etc/hosts 644
  printf '%s\n' "$HOST_NAME" | put_file /etc/hostname 644
}

# authorize_keys HOME UID GID: besides those that the image has.
authorize_keys() {
  local directory=$TARGET$1/.ssh key
  mkdir -p "$directory"
  for key in "${SSH_KEYS[@]}"; do
    grep --quiet --no-messages --line-regexp --fixed-strings -e "$key" "$directory/authorized_keys" ||
      printf '%s\n' "$key" >>"$directory/authorized_keys"
  done
  chmod 700 "$directory"
  chmod 600 "$directory/authorized_keys"
  chown "$2:$3" "$directory" "$directory/authorized_keys"
}

# The first ordinary account of the image, as HOME UID GID NAME; nothing when it has none.
default_account() {
  sort -t : -k 3 -n "$TARGET/etc/passwd" | while IFS=: read -r name _ uid gid _ home _; do
    if ((uid >= 1000 && uid < 60000)); then
      printf '%s %s %s %s\n' "$home" "$uid" "$gid" "$name"
      break
    fi
  done
}

default_account_name() {
  local name
  read -r _ _ _ name < <(default_account) || return 0
  printf '%s\n' "$name"
}

# for_each_account COMMAND: with HOME UID GID of root, then of the account that people log in as.
for_each_account() {
  local home uid gid
  "$1" /root 0 0
  read -r home uid gid _ < <(default_account) || return 0
  "$1" "$home" "$uid" "$gid"
}

write_ssh_keys() {
  ((${#SSH_KEYS[@]} == 0)) || for_each_account authorize_keys
}

# For scripts that change an OS whose root is mounted at TARGET.

in_target() {
  chroot "$TARGET" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C SYSTEMD_OFFLINE=1 "$@"
}

# What programs of the OS expect of the kernel, for as long as it is mounted.
bind_system_directories() {
  local directory
  for directory in dev proc sys run; do
    mountpoint --quiet "$TARGET/$directory" || mount --rbind --make-rslave "/$directory" "$TARGET/$directory"
  done
}

has_program() {
  in_target /bin/sh -c 'command -v "$1"' sh "$1" >/dev/null
}

# What an OS needs that has just been written to the disk. Needs TARGET and put_file.

# An identity belongs to one machine: the image's own ones are made anew on the first boot. An image that was taken from a
# machine of ours has what that one was told, too.
forget_identity() {
  put_file /etc/machine-id 444 </dev/null
  rm -f "$TARGET/var/lib/dbus/machine-id" "$TARGET"/etc/ssh/ssh_host_*_key "$TARGET"/etc/ssh/ssh_host_*_key.pub
  rm -f "$TARGET/etc/udev/rules.d/70-persistent-net.rules" "$TARGET/var/lib/systemd/random-seed"
  rm -f "$TARGET"/etc/dodai/user-data* "$TARGET"/etc/dodai/hand-over* "$TARGET"/etc/dodai/image-password \
    "$TARGET"/etc/systemd/system/{,multi-user.target.wants/}dodai-{await-owner,user-data}.service
  rm -rf "$TARGET/etc/dodai/image-cloud-scripts"
}

# ed25519 and ECDSA: an RSA key takes long to find, and clients of today do not ask for it.
write_host_key_unit() {
  put_file /etc/dodai/make-ssh-host-keys 755 <<'SCRIPT'
#!/bin/sh
# An ssh-keygen that knows neither makes what it knows.
for type in ed25519 ecdsa; do
  ssh-keygen -q -N '' -t "$type" -f "/etc/ssh/ssh_host_${type}_key"
done
[ -e /etc/ssh/ssh_host_ed25519_key ] || [ -e /etc/ssh/ssh_host_ecdsa_key ] || ssh-keygen -A
SCRIPT
  put_file /etc/systemd/system/dodai-ssh-host-keys.service 644 <<'UNIT'
[Unit]
Description=Make the SSH host keys of this machine
Before=ssh.service sshd.service
ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key

[Service]
Type=oneshot
ExecStart=/etc/dodai/make-ssh-host-keys

[Install]
WantedBy=multi-user.target
UNIT
  enable_unit dodai-ssh-host-keys.service
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

# The firmware of this machine, and what it starts of an image that brings its own boot loader. Needs BOOT_MODE, IMAGE_ID, INSTANCE_ID,
# fail and boot-entries.sh.

# What is installed for the other one would not start.
check_boot_mode() {
  local running=bios
  [[ ! -d $FIRMWARE_DIR ]] || running=uefi
  [[ $running == "$BOOT_MODE" ]] ||
    fail "this machine was started with $running, and its record has boot mode $BOOT_MODE: set its firmware to $BOOT_MODE, or the record to $running"
}

# The fifth byte of the variable; four of attributes stand before it.
secure_boot_is_on() {
  local byte
  byte=$(od --address-radix=n --format=u1 --skip-bytes=4 --read-bytes=1 "$FIRMWARE_DIR"/efivars/SecureBoot-* 2>/dev/null) || return 1
  ((byte == 1))
}

# mark_esp DIRECTORY: by this the network loader tells this system partition from those of other disks.
mark_esp() {
  mkdir -p "$1/EFI/dodai"
  printf '%s\n' "$INSTANCE_ID" >"$1/EFI/dodai/instance"
}

# set_boot_entry_of_disk DISK: for an image that is a whole disk and brings its own boot loader.
set_boot_entry_of_disk() {
  local esp directory loader
  [[ $BOOT_MODE == uefi ]] || return 0
  esp=$(system_partition_of "$1")
  [[ $esp ]] || fail "image $IMAGE_ID has no system partition (ESP): it does not start with UEFI"
  directory=$(mktemp -d)
  mount "$esp" "$directory"
  loader=$(loader_in "$directory")
  # It would put an entry of its own before the network at the first start.
  [[ ! -f $directory/EFI/BOOT/fbx64.efi ]] || mv "$directory/EFI/BOOT/fbx64.efi" "$directory/EFI/BOOT/fbx64.efi.off"
  mark_esp "$directory"
  umount "$directory"
  [[ $loader ]] || fail "image $IMAGE_ID has no boot loader for 64-bit UEFI in its system partition"
  set_boot_entries "\\${loader//\//\\}" "$esp"
}

# By the type in the partition table, GPT or MBR.
system_partition_of() {
  local partition
  while read -r _ partition; do
    case $(blkid --probe --match-tag PART_ENTRY_TYPE --output value "$partition") in
      c12a7328-f81f-11d2-ba4b-00a0c93ec93b | 0xef) printf '%s\n' "$partition" && return ;;
    esac
  done < <(list_partitions "$1")
}

# The path in capitals first, for it is there on most images; FAT takes either.
loader_in() {
  (cd "$1" && find EFI -ipath 'EFI/BOOT/BOOTX64.EFI' -o -iname shimx64.efi -o -iname grubx64.efi) 2>/dev/null |
    awk '{ rank = tolower($0) ~ /bootx64/ ? 0 : tolower($0) ~ /shimx64/ ? 1 : 2; print rank, $0 }' | sort | sed -n '1s/^. //p'
}

# What the installed OS has to know of its disks: mounts, keys, arrays, and how to find its root. Needs what layout.sh sets,
# TARGET, put_file, in_target, has_program and root.sh.

# Volumes that hold data, as NAME MOUNT_POINT ENCRYPTED: those that carry others come first.
data_volumes() {
  planned '[volumes | select(.use == "data")] | sort_by(.mountPoint)[] | "\(.name) \(.mountPoint) \(.encrypted)"'
}

# for_each_data_volume COMMAND: with NAME MOUNT_POINT ENCRYPTED
for_each_data_volume() {
  local volumes name mount_point encrypted
  volumes=$(data_volumes)
  [[ $volumes ]] || return 0
  while read -r -u 3 name mount_point encrypted; do
    "$1" "$name" "$mount_point" "$encrypted"
  done 3<<<"$volumes"
}

mount_volumes() {
  check_that_os_has_what_it_takes
  for_each_data_volume mount_volume
}

# mount_volume NAME MOUNT_POINT: what the image has there moves onto it.
mount_volume() {
  local directory=$TARGET$2 staging
  [[ $(realpath --canonicalize-missing "$directory") == "$directory" ]] ||
    fail "image $IMAGE_ID has a link on the way to $2: mount $1 elsewhere"
  mkdir -p "$directory"
  if [[ $(find "$directory" -mindepth 1 -print -quit) ]]; then
    staging=$(mktemp -d)
    mount "${DEVICE_OF[$1]}" "$staging"
    cp --archive "$directory/." "$staging/"
    umount "$staging"
    find "$directory" -mindepth 1 -delete
  fi
  mount "${DEVICE_OF[$1]}" "$directory"
}

# Told before anything else is done to the image: afterwards the machine would wait for its root, or for its data, for ever.
check_that_os_has_what_it_takes() {
  ! has_planned .mirrored || has_program mdadm || lacks mdadm mdadm 'its disks are mirrored'
  ! has_planned '.use == "lvm"' || has_program lvm || lacks lvm lvm2 'it has a volume group'
  ! has_planned .encrypted || has_program cryptsetup || [[ -e $TARGET/usr/lib/systemd/systemd-cryptsetup || -e $TARGET/lib/systemd/systemd-cryptsetup ]] ||
    lacks cryptsetup cryptsetup 'it has an encrypted volume'
  ! root_needs_initramfs || has_program update-initramfs || has_program dracut ||
    lacks update-initramfs initramfs-tools 'its root is found by the initramfs'
}

# lacks PROGRAM DEBIAN_PACKAGE WHY
lacks() {
  fail "image $IMAGE_ID has no $1, and in the disk layout of this machine $3: use an image that has it (Debian package $2), or another layout"
}

root_needs_initramfs() {
  has_planned '.mirrored or .use == "lvm"'
}

# Mounts that need no disk (tmpfs, NFS, …) stay as the image has them.
write_fstab() {
  local kept=''
  [[ ! -f $TARGET/etc/fstab ]] ||
    kept=$(awk '$1 !~ /^(#|\/dev\/|UUID=|LABEL=|PARTUUID=|PARTLABEL=|$)/ && NF >= 4' "$TARGET/etc/fstab")
  {
    printf '# <file system> <mount point> <type> <options> <dump> <pass>\n'
    fstab_line_of_root
    fstab_lines_of_swap
    [[ ${#ESP_DEVICES[@]} -eq 0 ]] || fstab_line_of_esp
    for_each_data_volume fstab_line_of_data
    [[ -z $kept ]] || printf '%s\n' "$kept"
  } | put_file /etc/fstab 644
}

# Only ext file systems are told to become read-only, and are checked.
fstab_line_of_root() {
  case $(probe TYPE "$ROOT_DEVICE") in
    ext?) printf 'UUID=%s / %s errors=remount-ro 0 1\n' "$(probe UUID "$ROOT_DEVICE")" "$(probe TYPE "$ROOT_DEVICE")" ;;
    *) printf 'UUID=%s / %s defaults%s 0 0\n' "$(probe UUID "$ROOT_DEVICE")" "$(probe TYPE "$ROOT_DEVICE")" \
      "${ROOT_SUBVOLUME:+,subvol=$ROOT_SUBVOLUME}" ;;
  esac
}

fstab_lines_of_swap() {
  local names name
  names=$(planned 'volumes | select(.use == "swap").name')
  for name in $names; do
    printf 'UUID=%s none swap sw,nofail 0 0\n' "$(probe UUID "${DEVICE_OF[$name]}")"
  done
}

fstab_line_of_esp() {
  mkdir -p "$TARGET/boot/efi"
  printf 'UUID=%s /boot/efi vfat umask=0077,nofail 0 0\n' "$(probe UUID "${ESP_DEVICES[0]}")"
}

# A machine whose data is gone still comes up, and can be asked why; what needs the data waits for it.
fstab_line_of_data() {
  local type check=0
  type=$(probe TYPE "${DEVICE_OF[$1]}")
  [[ $type != ext? ]] || check=2
  printf 'UUID=%s %s %s defaults,nofail,x-systemd.before=local-fs.target 0 %d\n' "$(probe UUID "${DEVICE_OF[$1]}")" "$2" "$type" "$check"
}

# The keys of an image that was taken from a machine of ours open nothing here.
write_keys() {
  rm -rf "$TARGET/etc/dodai/keys"
  has_planned .encrypted || return 0
  install --directory --mode=700 "$TARGET/etc/dodai/keys"
  for_each_data_volume crypttab_line | put_file /etc/crypttab 600
}

# crypttab_line NAME MOUNT_POINT ENCRYPTED
crypttab_line() {
  local device
  [[ $3 == true ]] || return 0
  put_file "/etc/dodai/keys/$1" 600 <"$WORK_DIR/keys/$1"
  device=$(cryptsetup status "${1}_crypt" | sed -n 's/^ *device: *//p')
  printf '%s_crypt UUID=%s /etc/dodai/keys/%s luks,nofail\n' "$1" "$(cryptsetup luksUUID "$device")" "$1"
}

write_arrays() {
  local file=/etc/mdadm.conf
  has_planned .mirrored || return 0
  [[ ! -d $TARGET/etc/mdadm ]] || file=/etc/mdadm/mdadm.conf
  array_lines | put_file "$file" 644
}

array_lines() {
  local number name mirrors
  mirrors=$(planned '.partitions[] | select(.mirrored) | "\(.number) \(.name)"')
  printf 'HOMEHOST <system>\nMAILADDR root\n'
  while read -r -u 3 number name; do
    printf 'ARRAY /dev/md/%s metadata=1.2 UUID=%s\n' "$name" "$(mdadm --detail --export "/dev/md$number" | sed -n 's/^MD_UUID=//p')"
  done 3<<<"$mirrors"
}

# What finds arrays and volume groups is in most images that have the packages, and needs no list of them: to make an initramfs
# takes longer than all else that is done to the OS, so it is made only where something is missing.
rebuild_initramfs() {
  root_needs_initramfs || return 0
  bind_system_directories
  if initramfs_finds_root; then
    printf 'the initramfs of the image finds this root as it is\n'
  elif has_program update-initramfs; then
    in_target update-initramfs -u -k all
  else
    in_target dracut --force --regenerate-all
  fi
}

initramfs_finds_root() {
  local image content seen=1
  has_program lsinitramfs || return 1
  for image in "$TARGET"/boot/initrd.img-*; do
    [[ -e $image ]] || continue
    content=$(in_target lsinitramfs "${image#"$TARGET"}")
    ! has_planned .mirrored || [[ $content == *bin/mdadm* && $content == */raid1.ko* ]] || return 1
    ! has_planned '.use == "lvm"' || [[ $content == *bin/lvm* && $content == */dm-mod.ko* ]] || return 1
    seen=0
  done
  return "$seen"
}

# What starts the installed OS, from what its image brings. Needs BOOT_MODE, BOOT_DISKS, ESP_DEVICES (with UEFI), TARGET, put_file,
# in_target, has_program, KERNEL_ARGUMENTS, firmware.sh and boot-entries.sh.

write_boot_settings() {
  put_file /etc/default/grub.d/99-dodai.cfg 644 <<CFG
# What the instance type has for every kernel; no menu to wait for.
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="$KERNEL_ARGUMENTS"
GRUB_TERMINAL="console serial"
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
GRUB_TIMEOUT=1
GRUB_RECORDFAIL_TIMEOUT=1
GRUB_DISABLE_OS_PROBER=true
CFG
}

# GRUB asks udevadm where each partition begins, some twenty times in each of a dozen calls; without it, it asks the
# kernel. Slow processors feel that: minutes become seconds.
hide_udevadm() {
  local program
  for program in /usr/bin/udevadm /bin/udevadm; do
    if [[ -f $TARGET$program && ! -L $TARGET$program ]]; then
      mount --bind /dev/null "$TARGET$program"
      return
    fi
  done
}

# has_in_lib PATH…: whether the image has all of these below /usr/lib.
has_in_lib() {
  local path
  for path in "$@"; do [[ -e $TARGET/usr/lib/$path ]] || return 1; done
}

has_signed_grub() {
  has_in_lib shim/shimx64.efi.signed grub/x86_64-efi-signed/grubx64.efi.signed
}

check_boot_loader() {
  has_program grub-install || fail "image $IMAGE_ID has no grub-install: it cannot be made to boot"
  if [[ $BOOT_MODE == bios ]]; then
    has_in_lib grub/i386-pc || fail "image $IMAGE_ID has no GRUB for BIOS (Debian package grub-pc-bin)"
    return
  fi
  has_in_lib grub/x86_64-efi || fail "image $IMAGE_ID has no GRUB for UEFI (Debian package grub-efi-amd64-bin)"
  has_signed_grub || ! secure_boot_is_on ||
    fail "image $IMAGE_ID has no signed boot loader (Debian packages shim-signed and grub-efi-amd64-signed), and Secure Boot is on"
}

install_boot_loader() {
  check_boot_loader
  bind_system_directories
  write_boot_settings
  hide_udevadm
  "install_boot_loader_$BOOT_MODE"
  in_target update-grub
}

install_boot_loader_bios() {
  local disk
  for disk in "${BOOT_DISKS[@]}"; do in_target grub-install --target=i386-pc --no-floppy "$disk"; done
}

# No boot entries by GRUB: it would put its own before the network, and again with each update of the OS.
install_boot_loader_uefi() {
  local vendor loader=grubx64.efi signed=--no-uefi-secure-boot esp
  vendor=$(vendor_directory)
  if has_signed_grub; then
    loader=shimx64.efi signed=--uefi-secure-boot
  fi
  mkdir -p "$TARGET/boot/efi"
  mount "${ESP_DEVICES[0]}" "$TARGET/boot/efi"
  in_target grub-install --target=x86_64-efi --efi-directory=/boot/efi --bootloader-id="$vendor" --no-nvram "$signed"
  if has_program debconf-set-selections; then
    printf 'grub-efi-amd64 grub2/update_nvram boolean false\n' | in_target debconf-set-selections
  fi
  copy_to_removable_path "$TARGET/boot/efi/EFI/$vendor" "$loader"
  mark_esp "$TARGET/boot/efi"
  for esp in "${ESP_DEVICES[@]:1}"; do copy_esp_to "$esp"; done
  set_boot_entries "\\EFI\\$vendor\\$loader" "${ESP_DEVICES[@]}"
}

# The signed GRUB looks for its configuration in the directory of its distribution, whose name is in it.
vendor_directory() {
  if has_signed_grub; then
    grep --text --only-matching --max-count=1 '/EFI/[a-z]\+' "$TARGET/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" |
      sed -n '1s|^/EFI/||p'
  else
    sed -n -E 's/^ID="?([a-z0-9._-]+)"?$/\1/p' "$TARGET/etc/os-release"
  fi
}

# copy_to_removable_path DIRECTORY LOADER: where firmware looks on a disk that it has no entry for, and where the network loader
# looks. Without the fallback program (fbx64.efi), which would make entries of its own.
copy_to_removable_path() {
  local to=$TARGET/boot/efi/EFI/BOOT file
  mkdir -p "$to"
  cp "$1/$2" "$to/BOOTX64.EFI"
  for file in grubx64.efi mmx64.efi; do
    [[ $2 != shimx64.efi || ! -f $1/$file ]] || cp "$1/$file" "$to/$file"
  done
}

# With mirrored disks each starts without the other.
copy_esp_to() {
  local directory
  directory=$(mktemp -d)
  mount "$1" "$directory"
  cp --recursive "$TARGET/boot/efi/." "$directory/"
  umount "$directory"
}

# The kernel arguments of the instance type for an OS that came with a boot loader of its own. Needs KERNEL_ARGUMENTS (empty: it keeps
# what it has), boot-loader.sh and installed-os.sh.

set_kernel_arguments() {
  [[ $KERNEL_ARGUMENTS ]] || return 0
  bind_system_directories
  if has_program grubby; then
    in_target grubby --update-kernel=ALL --args="$KERNEL_ARGUMENTS"
  elif has_program update-grub; then
    put_file /etc/default/grub.d/99-dodai.cfg 644 <<CFG
# What the instance type has for every kernel.
GRUB_CMDLINE_LINUX="\$GRUB_CMDLINE_LINUX $KERNEL_ARGUMENTS"
CFG
    hide_udevadm
    in_target update-grub
  else
    fail "image $IMAGE_ID has neither grubby nor update-grub, and so nothing to set the kernel arguments of the instance type with: leave them out, or use another image"
  fi
}

# What an OS does once as its owner's, after a fresh installation and after a hand-over alike: it runs the user data, then
# says `installed`. Needs TARGET, put_file, INSTANCE_URL, TOKEN and USER_DATA.

enable_unit() {
  mkdir -p "$TARGET/etc/systemd/system/multi-user.target.wants"
  ln -sf "/etc/systemd/system/$1" "$TARGET/etc/systemd/system/multi-user.target.wants/$1"
}

# Whom this OS speaks for, and how.
write_instance_env() {
  put_file /etc/dodai/talk.sh 644 <<'SCRIPT'
# Talk with the controller with whatever this OS has for it: curl, else python3, else bash alone.

# ask METHOD URL TOKEN SECONDS FILE [JSON]: prints the HTTP status, 000 when no whole answer came; its body is in FILE, its headers
# in the file that ANSWER_HEADERS names, if it does.
ask() {
  local way=ask_with_bash
  if command -v curl >/dev/null; then
    way=ask_with_curl
  elif command -v python3 >/dev/null; then
    way=ask_with_python
  fi
  "$way" "$@" || printf '000'
}

ask_with_curl() {
  local status data=()
  [[ -z ${6-} ]] || data=(--header 'Content-Type: application/json' --data-binary @-)
  status=$(curl --silent --show-error --connect-timeout 10 --max-time "$4" --output "$5" --dump-header "${ANSWER_HEADERS:-/dev/null}" --write-out '%{http_code}' \
    --header @<(printf 'Authorization: Bearer %s' "$3") --request "$1" "${data[@]}" "$2" <<<"${6-}") || return 1
  printf '%s' "$status"
}

ask_with_python() {
  TOKEN=$3 ANSWER_HEADERS=${ANSWER_HEADERS-} python3 - "$1" "$2" "$4" "$5" "${6-}" <<'PYTHON'
import os, sys, urllib.error, urllib.request
method, url, seconds, file, body = sys.argv[1:]
headers = {'Content-Type': 'application/json', 'Authorization': 'Bearer ' + os.environ['TOKEN']}
request = urllib.request.Request(url, body.encode() or None, headers, method=method)
try:
    answer = urllib.request.urlopen(request, timeout=float(seconds))
except urllib.error.HTTPError as error:
    answer = error
with open(file, 'wb') as output:
    output.write(answer.read())
with open(os.environ.get('ANSWER_HEADERS') or os.devnull, 'w') as output:
    output.write(str(answer.headers))
print(answer.getcode(), end='')
PYTHON
}

ask_with_bash() {
  local rest=${2#http://} body=${6-} headers=${ANSWER_HEADERS:-/dev/null} host port=80 status line length=''
  host=${rest%%/*}
  [[ $host != *:* ]] || port=${host##*:}
  exec 3<>"/dev/tcp/${host%:*}/$port" || return 1
  printf '%s /%s HTTP/1.0\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
    "$1" "${rest#*/}" "$host" "$3" "${#body}" "$body" >&3
  read -r -t "$4" _ status _ <&3 || return 1
  : >"$headers"
  while read -r -t 20 line <&3 && line=${line%$'\r'} && [[ $line ]]; do
    printf '%s\n' "$line" >>"$headers"
    [[ ${line,,} != content-length:* ]] || length=${line##* }
  done
  timeout 20 cat <&3 >"$5" || return 1
  exec 3>&-
  [[ -z $length || $length == "$(stat --format=%s "$5")" ]] || return 1
  printf '%s' "$status"
}

# say STATE [MESSAGE] [JSON]: one try to tell the controller, as the instance whose NOTIFY_URL and NOTIFY_TOKEN these are; prints
# the HTTP status. The JSON is one more member of the body.
say() {
  local LC_ALL=C message=${2-}
  message=${message:0:2000}
  message=${message//[^ -~]/ }
  message=${message//\\/\\\\}
  message=${message//\"/\\\"}
  ask POST "$NOTIFY_URL" "$NOTIFY_TOKEN" 20 /dev/null "{\"state\":\"$1\"${message:+,\"message\":\"$message\"}${3:+,$3}}"
}

SCRIPT
  printf 'NOTIFY_URL=%q\nNOTIFY_TOKEN=%q\n' "$INSTANCE_URL/notify" "$TOKEN" | put_file /etc/dodai/instance.env 600
}

# The owner's script runs once, and has the machine's whole life to end. It is marked as begun first: one that a power
# failure has cut short is not begun again, since not every script bears that.
write_user_data() {
  [[ $USER_DATA ]] || return 0
  printf '%s' "$USER_DATA" | put_file /etc/dodai/user-data 700
  put_file /etc/dodai/run-user-data 755 <<'SCRIPT'
#!/bin/bash
# Runs the user data of this instance; what it prints is in the journal, on the console and in the log.
set -u
log=/var/log/dodai-user-data.log
(umask 077 && : >>"$log" && : >/etc/dodai/user-data.begun)
sync
status=0
cd / && /etc/dodai/user-data > >(exec tee -p -a "$log") 2>&1 </dev/null || status=$?
printf '%d\n' "$status" >/etc/dodai/user-data.ended
printf 'dodai: the user data ended with status %d\n' "$status"
exit "$status"
SCRIPT
  put_file /etc/systemd/system/dodai-user-data.service 644 <<'UNIT'
[Unit]
Description=Run the user data of this instance
Wants=network-online.target
After=network-online.target dodai-ssh-host-keys.service
ConditionPathExists=!/etc/dodai/user-data.begun

[Service]
Type=oneshot
RemainAfterExit=yes
# What it started goes on.
KillMode=process
Environment=HOME=/root
ExecStart=/etc/dodai/run-user-data
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=multi-user.target
UNIT
  enable_unit dodai-user-data.service
}

# `installed` is said by the installed OS itself, when it first is its owner's, and again until it is taken. cloud-init may end
# before, within ten minutes, and so may user data, within half of one: what they bring is there then. What takes longer goes on, and
# is not waited for. Files get the modes and owners that they were asked for: cloud-init knows neither.
write_report_unit() {
  put_file /etc/dodai/report-installed 755 <<'SCRIPT'
#!/bin/bash
# Tells the controller that this OS has come up; tries until it is taken, then never again.
set -u
# shellcheck source=/dev/null
. /etc/dodai/talk.sh
# shellcheck source=/dev/null
. /etc/dodai/instance.env

# What this OS says of itself when it is done, as JSON made by bash alone: not every image has jq or python.

# json_string TEXT
json_string() {
  local LC_ALL=C text=$1
  text=${text//[^ -~]/ }
  text=${text//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# json_or_null TEXT: null where there is none.
json_or_null() {
  if [[ $1 ]]; then json_string "$1"; else printf 'null'; fi
}

# json_list, lines on standard input.
json_list() {
  local line comma=''
  printf '['
  while IFS= read -r line; do
    printf '%s' "$comma"
    json_string "$line"
    comma=,
  done
  printf ']'
}

# json_from FIRST COMMAND…: what a program prints that knows JSON, when it begins so and is not too much; else null.
json_from() {
  local first=$1 text
  shift
  text=$(timeout 20 "$@" 2>/dev/null | tr -d '\n')
  if [[ $text == "$first"* ]] && ((${#text} < 50000)); then printf '%s' "$text"; else printf 'null'; fi
}

fingerprints_in() {
  ssh-keygen -l -f "$1" 2>/dev/null | sed -n -E 's/^[0-9]+ ([A-Za-z0-9]+:[^ ]+) .*/\1/p'
}

json_of_authorized_keys() {
  local name home comma=''
  printf '{'
  while IFS=: read -r name _ _ _ _ home _; do
    [[ -s $home/.ssh/authorized_keys ]] || continue
    printf '%s' "$comma"
    json_string "$name"
    printf ':'
    fingerprints_in "$home/.ssh/authorized_keys" | json_list
    comma=,
  done </etc/passwd
  printf '}'
}

json_of_host_keys() {
  local file
  for file in /etc/ssh/ssh_host_*_key.pub; do [[ ! -e $file ]] || fingerprints_in "$file"; done | json_list
}

# json_of_file PATH
json_of_file() {
  local sha256='' mode='' owner=''
  if [[ -f $1 ]]; then
    sha256=$(sha256sum -- "$1" | cut -d ' ' -f 1)
    mode=$(stat --format=%a "$1")
    mode=$(printf '%04d' "$mode")
    owner=$(stat --format=%U:%G "$1")
  fi
  printf '{"path":%s,"sha256":%s,"mode":%s,"owner":%s}' "$(json_string "$1")" "$(json_or_null "$sha256")" \
    "$(json_or_null "$mode")" "$(json_or_null "$owner")"
}

# At most as many as the controller takes.
json_of_files() {
  local path comma='' count=0
  printf '['
  if [[ -f /etc/dodai/files ]]; then
    while read -r _ _ path && ((count++ < 200)); do
      printf '%s' "$comma"
      json_of_file "$path"
      comma=,
    done </etc/dodai/files
  fi
  printf ']'
}

json_of_cloud_init() {
  if [[ -e /etc/dodai/cloud-init ]]; then json_from '{' cloud-init status --format json; else printf 'null'; fi
}

guest_report() {
  local ended='' machine_id=''
  [[ ! -e /etc/dodai/user-data.ended ]] || ended=$(</etc/dodai/user-data.ended)
  [[ ! -s /etc/machine-id ]] || machine_id=$(</etc/machine-id)
  printf '{"hostName":%s,"bootId":%s,"machineId":%s,"kernel":%s,"addresses":%s,"authorizedKeys":%s,"hostKeys":%s,' \
    "$(json_string "$(</proc/sys/kernel/hostname)")" "$(json_or_null "$(</proc/sys/kernel/random/boot_id)")" \
    "$(json_or_null "$machine_id")" "$(json_or_null "$(uname -r)")" "$(json_from '[' ip -json address)" \
    "$(json_of_authorized_keys)" "$(json_of_host_keys)"
  printf '"cloudInit":%s,"userDataStatus":%s,"files":%s}' "$(json_of_cloud_init)" "${ended:-null}" "$(json_of_files)"
}

# A hand-over that a loss of power has cut short comes first; after it the OS starts anew.
! grep --quiet --no-messages '^dodai:' /etc/cloud/cloud-init.disabled || exit 0

# What is left of the time in the pool, when that is over.
[[ -e /etc/systemd/system/dodai-await-owner.service ]] || rm -f /etc/dodai/await-owner /etc/dodai/hand-over

message=''
if [[ -e /etc/dodai/user-data ]]; then
  timeout 30 systemctl start dodai-user-data.service
  message='the user data still runs'
  [[ ! -e /etc/dodai/user-data.ended ]] || message="the user data ended with status $(</etc/dodai/user-data.ended)"
fi

if [[ -e /etc/dodai/cloud-init ]]; then
  timeout 600 cloud-init status --wait >/dev/null
  message="cloud-init: $(timeout 20 cloud-init status | head -n 1)"
fi

if [[ -f /etc/dodai/files ]]; then
  while read -r mode owner path; do
    [[ ! -f $path || -L $path ]] || { chown "$owner" "$path" && chmod "$mode" "$path"; } || echo "dodai: $path could not be given to $owner"
  done </etc/dodai/files
fi

report="\"report\":$(guest_report)"
((${#report} < 120000)) || report=''
pause=1
until status=$(say installed "$message" "$report") && [[ $status == 2?? ]]; do
  # Better a word without a report than none.
  [[ $status != 4?? ]] || report=''
  echo "dodai: the controller did not take the report (HTTP $status), next try in $pause s"
  sleep "$pause"
  pause=$((pause < 30 ? pause * 2 : 30))
done
echo 'dodai: reported installed'
systemctl disable dodai-installed.service
SCRIPT
  put_file /etc/systemd/system/dodai-installed.service 644 <<'UNIT'
[Unit]
Description=Tell dodai that this OS is installed
Wants=network-online.target
After=network-online.target ssh.service sshd.service dodai-ssh-host-keys.service

[Service]
ExecStart=/etc/dodai/report-installed
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=multi-user.target
UNIT
  enable_unit dodai-installed.service
}

# The agent of an OS that waits in the resource pool: it asks for its owner, and nothing listens on the machine.
# Needs TARGET, put_file and enable_unit.

write_await_owner_unit() {
  put_file /etc/dodai/await-owner 755 <<'SCRIPT'
#!/bin/bash
# Asks the controller for the owner of this machine, as long as it takes, and hands the machine over. The script that does
# so is kept until it is done: after a power failure the hand-over goes on, whatever the controller thinks of it by then.
set -u
umask 077
# shellcheck source=/dev/null
. /etc/dodai/talk.sh
# shellcheck source=/dev/null
. /etc/dodai/instance.env

script=/etc/dodai/hand-over pause=1 told=''
until [[ -s $script ]]; do
  asked=$SECONDS
  # The controller holds the request until there is an owner, for the time that it is asked to.
  status=$(ask GET "${NOTIFY_URL%/notify}/owner?timeout=50" "$NOTIFY_TOKEN" 70 "$script.part")
  case $status in
    200)
      sync "$script.part" && mv "$script.part" "$script"
      continue
      ;;
    204)
      pause=1 told=''
      ((SECONDS > asked)) || sleep 1
      continue
      ;;
  esac
  [[ $told == "$status" ]] || echo "dodai: asking for an owner was answered with HTTP $status"
  told=$status
  # Not all machines of a rack at the same moment.
  sleep "$((pause / 2)).$((RANDOM % 10))"
  pause=$((pause < 60 ? pause * 2 : 120))
done
exec bash "$script"
SCRIPT
  put_file /etc/systemd/system/dodai-await-owner.service 644 <<'UNIT'
[Unit]
Description=Wait in the pool for an owner
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=/etc/dodai/await-owner
Restart=on-failure
RestartSec=10
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=multi-user.target
UNIT
  enable_unit dodai-await-owner.service
}

# What a fresh OS is told of its machine, its instance and its owner to come. Needs what installed-os.sh, fresh-os.sh, first-boot.sh and
# await-owner.sh need, IMAGE_ID, IMAGE_TYPE, POOLED, and the addresses of the machine's cards.

# The next owner's name goes into the image's own file, too.
take_host_name() {
  rm -f "$TARGET/etc/dodai/image-hosts"
  [[ $POOLED != true || ! -f $TARGET/etc/hosts ]] || put_file /etc/dodai/image-hosts 644 <"$TARGET/etc/hosts"
  write_host_name "$TARGET/etc/hosts"
}

# note NAME VALUE: a file of its own under /etc/dodai, when there is a value.
note() {
  [[ -z $2 ]] || printf '%s\n' "$2" | put_file "/etc/dodai/$1" 644
}

write_dodai_files() {
  note image_id "$IMAGE_ID"
  note image_type "$IMAGE_TYPE"
  note pxe_mac "$PXE_MAC"
  note pxe_ip "$PXE_IP"
  note storage_mac "$STORAGE_MAC"
  note storage_ip "$STORAGE_IP"
  note service_mac1 "$SERVICE_MAC1"
  note service_mac2 "$SERVICE_MAC2"
  forget_identity
  if has_program ssh-keygen; then write_host_key_unit; fi
  write_instance_env
  write_report_unit
  [[ $POOLED != true ]] || keep_for_owner
}

# What the image itself has, for its next owner to get it so.
keep_for_owner() {
  local name
  write_await_owner_unit
  name=$(default_account_name)
  sed -n "s/^\(${name:-root}:[^:]*\):.*/\1/p" "$TARGET/etc/shadow" | put_file /etc/dodai/image-password 600
  if [[ -d $TARGET/var/lib/cloud/scripts ]]; then
    rm -rf "$TARGET/etc/dodai/image-cloud-scripts"
    cp --archive "$TARGET/var/lib/cloud/scripts" "$TARGET/etc/dodai/image-cloud-scripts"
  fi
}

# The network of the installed OS, in the words of whatever the image manages its network with. Cards are known by MAC address:
# their names change with slots, kernels and firmware. What the machine gets is all here; one of it is written.
# Needs TARGET, put_file, in_target and has_program.

write_netplan() {
  put_file /etc/netplan/90-dodai.yaml 600 <<'YAML'
network:
  version: 2
  ethernets:
    pxe0:
      match: { macaddress: "52:54:00:12:34:56" }
      dhcp4: true
      dhcp-identifier: mac

YAML
}

write_ifupdown() {
  put_file /etc/network/interfaces 644 <<'INTERFACES'
auto lo
iface lo inet loopback

auto pxe0
iface pxe0 inet dhcp
    up ip link set dev pxe0 up

INTERFACES
  write_resolv_conf
}

write_networkd() {

put_file /etc/systemd/network/10-dodai-pxe0.network 644 <<'NETWORK'
[Match]
MACAddress=52:54:00:12:34:56

[Network]
DHCP=ipv4

# The DHCP server is to see the same client as during the network boot: the MAC address is its identifier.
[DHCPv4]
ClientIdentifier=mac
UseDomains=yes
NETWORK

  write_resolv_conf
  in_target systemctl --quiet enable systemd-networkd.service
}

write_network_manager() {

put_file /etc/NetworkManager/system-connections/dodai-pxe0.nmconnection 600 <<'CONNECTION'
[connection]
id=dodai-pxe0
type=ethernet
autoconnect-priority=100

[ethernet]
mac-address=52:54:00:12:34:56

[ipv4]
method=auto
dhcp-client-id=mac

[ipv6]
method=auto
CONNECTION

  in_target systemctl --quiet enable NetworkManager.service
}

write_ifcfg() {

put_file /etc/sysconfig/network-scripts/ifcfg-pxe0 644 <<'IFCFG'
DEVICE=pxe0
NAME=dodai-pxe0
TYPE=Ethernet
ONBOOT=yes
BOOTPROTO=dhcp
HWADDR=52:54:00:12:34:56
IFCFG

}

# Where no program makes it from what the others say.
write_resolv_conf() {
  [[ ! -L $TARGET/etc/resolv.conf ]] || return 0
}

names_cards=no

# udev gives the names before anything uses the cards. Where others may know a card by its old name it keeps that, if it can.
write_card_names() {
  [[ $names_cards == yes || $1 == ifupdown || $1 == ifcfg ]] || return 0
  put_file /etc/udev/rules.d/70-dodai-cards.rules 644 <<'RULES'
# Cards by their addresses, whatever slot, kernel or firmware would call them; neither bonds nor VLANs, which have no driver.
SUBSYSTEM=="net", ACTION=="add", DRIVERS=="?*", ATTR{type}=="1", ATTR{address}=="52:54:00:12:34:56", NAME="pxe0"

RULES
}

# An image that was taken from a machine of ours has that one's network.
forget_network() {
  rm -f "$TARGET"/etc/udev/rules.d/70-dodai-cards.rules "$TARGET"/etc/netplan/90-dodai.yaml \
    "$TARGET"/etc/systemd/network/10-dodai-* "$TARGET"/etc/NetworkManager/system-connections/dodai-*
  [[ ! -d $TARGET/etc/sysconfig/network-scripts ]] || forget_ifcfg
}

forget_ifcfg() {
  local file
  for file in $(grep --files-with-matches '^NAME=dodai-' "$TARGET"/etc/sysconfig/network-scripts/ifcfg-* 2>/dev/null); do
    rm -f "$file" "${file/ifcfg-/route-}" "${file/ifcfg-/route6-}"
  done
}

# Other distributions have a program of that name that reads other files.
has_ifupdown() {
  [[ -d $TARGET/etc/network ]] && has_program ifup
}

has_networkd() {
  [[ -x $TARGET/usr/lib/systemd/systemd-networkd || -x $TARGET/lib/systemd/systemd-networkd ]]
}

# networkd may be there beside what manages the network.
has_network_manager_enabled() {
  [[ -L $TARGET/etc/systemd/system/multi-user.target.wants/NetworkManager.service ]]
}

# The scripts of Red Hat's older releases.
has_ifcfg() {
  [[ -d $TARGET/etc/sysconfig/network-scripts ]] && has_program ifup
}

network_manager_of_os() {
  if has_program netplan; then
    printf 'netplan'
  elif has_ifupdown; then
    printf 'ifupdown'
  elif has_networkd && ! has_network_manager_enabled; then
    printf 'networkd'
  elif has_ifcfg && ! has_network_manager_enabled; then
    printf 'ifcfg'
  elif has_program NetworkManager; then
    printf 'network_manager'
  fi
}

configure_network() {
  local manager
  manager=$(network_manager_of_os)
  [[ $manager ]] ||
    fail 'the image has none of netplan, ifupdown, systemd-networkd, NetworkManager and network-scripts to set up its network with'
  forget_network
  write_card_names "$manager"
  "write_$manager"
}

# The owner's files by path. /etc/dodai/files lists them, as MODE OWNER PATH, for the OS itself to settle when it is up: owners may
# be accounts that are made only then. Needs TARGET, put_file and in_target.

write_files() {
  put_file /etc/dodai/files 600 </dev/null
}

# write_file PATH MODE OWNER, its content in base64 on standard input. Links of the image lead out of it, as seen from here.
write_file() {
  local parent
  parent=$(realpath --canonicalize-missing "$TARGET/$(dirname "$1")")
  [[ $parent/ == "$TARGET"/* ]] || fail "the file $1 cannot be written: a link of the image leads from there to ${parent}"
  [[ ! -d $TARGET$1 ]] || fail "the file $1 cannot be written: the image has a directory there"
  base64 --decode | put_file "$1" 600
  printf '%s %s %s\n' "$2" "$3" "$1" >>"$TARGET/etc/dodai/files"
  settle_file "$@" 2>/dev/null || true
}

# settle_file PATH MODE OWNER
settle_file() {
  in_target chown --no-dereference "$3" "$1"
  in_target chmod "$2" "$1"
}

# forget_files: those of the owner before.
forget_files() {
  local path
  [[ -f $TARGET/etc/dodai/files ]] || return 0
  while read -r _ _ path; do rm -f "$TARGET$path"; done <"$TARGET/etc/dodai/files"
  rm -f "$TARGET/etc/dodai/files"
}

# An OS with cloud-init is configured by that: from its config drive, or else from the metadata service. Needs TARGET, put_file,
# has_program, CONFIG_DRIVE_URL, METADATA_URL and network.sh.

# Ours, while a machine is handed over: cloud-init must not begin with half of it.
CLOUD_INIT_OFF='dodai: kept off while this machine is handed over'

has_cloud_init() {
  local disabled=$TARGET/etc/cloud/cloud-init.disabled
  has_program cloud-init && [[ ! -e $disabled || $(<"$disabled") == "$CLOUD_INIT_OFF" ]]
}

cloud_init_is_at_work() {
  [[ $CONFIG_DRIVE_URL$METADATA_URL ]] && has_cloud_init
}

configure_cloud_init() {
  clear_cloud_init
  forget_network
  if [[ $CONFIG_DRIVE_URL ]]; then
    printf 'config drive\n' | put_file /etc/dodai/cloud-init 644
    put_file /etc/cloud/cloud.cfg.d/99_dodai.cfg 644 <<'CFG'
datasource_list: [ ConfigDrive ]
CFG
  else
    printf 'metadata service\n' | put_file /etc/dodai/cloud-init 644
    use_metadata_service
  fi
}

# What an earlier boot has left, of the image or of the owner before; the image's own scripts stay.
clear_cloud_init() {
  rm -rf "$TARGET"/var/lib/cloud/{instance,instances,data,sem,handlers,seed} "$TARGET"/var/log/cloud-init*.log
  rm -f "$TARGET"/etc/netplan/50-cloud-init.yaml "$TARGET"/etc/network/interfaces.d/50-cloud-init* \
    "$TARGET"/etc/systemd/network/*cloud-init* "$TARGET"/etc/NetworkManager/system-connections/cloud-init-* \
    "$TARGET"/etc/ssh/sshd_config.d/50-cloud-init.conf
}

# The network is in the configuration itself: the service is reached by it. NoCloud, since cloud-init takes no machine for one of
# OpenStack that does not call itself so in its firmware; what it has read stays read, so that the OS starts without the service too.
use_metadata_service() {
  write_card_names cloud_init
  {
    printf 'datasource_list: [ NoCloud ]\ndatasource: { NoCloud: { seedfrom: "%s/nocloud/" } }\nmanual_cache_clean: true\n' "${METADATA_URL%/}"
    cat <<'CFG'
network:
  version: 2
  ethernets:
    pxe0:
      match: { macaddress: "52:54:00:12:34:56" }
      dhcp4: true
      dhcp-identifier: mac

CFG
  } | put_file /etc/cloud/cloud.cfg.d/99_dodai.cfg 644
}

# What makes an OS its owner's besides its name: files, keys, password, user data and network; or cloud-init, where the image has
# it and it has something to read: then that does all but the files. Needs installed-os.sh, cloud-init.sh, files.sh, network.sh,
# first-boot.sh, PASSWORD_HASH and NEEDS_CLOUD_INIT.

take_owner() {
  check_user_data
  rm -f "$TARGET/etc/dodai/cloud-init" "$TARGET/etc/cloud/cloud.cfg.d/99_dodai.cfg"
  write_files
  if cloud_init_is_at_work; then
    configure_cloud_init
  else
    write_ssh_keys
    write_password
    write_user_data
  fi
}

# Told before the machine starts as something that its owner did not mean.
check_user_data() {
  [[ $NEEDS_CLOUD_INIT == true ]] || return 0
  has_cloud_init || fail "the user data is no script that begins with #!, and the image has no cloud-init to read it: use an image with cloud-init, or a script"
  cloud_init_is_at_work ||
    fail 'the user data takes cloud-init, which has nowhere to read it: spawn with a config drive, or set up the metadata service'
}

# Of the account that people log in as, as with cloud-init; root's only where there is no other. The hash is in no process list.
write_password() {
  local name
  [[ $PASSWORD_HASH ]] || return 0
  name=$(default_account_name)
  printf '%s:%s\n' "${name:-root}" "$PASSWORD_HASH" | in_target chpasswd --encrypted
}

TARGET='' DISK_WRITTEN=no

# A failed installation leaves a disk that does not boot: neither half an OS nor the one from before.
leave_safe() {
  [[ -z $TARGET ]] || umount --recursive --lazy "$TARGET"
  [[ $DISK_WRITTEN == no ]] || make_unbootable
}

set_up_network() {
  cloud_init_is_at_work || configure_network
}

set_installed_clock() {
  printf '0.0 0 0.0\n0\nUTC\n' | put_file /etc/adjtime 644
  hwclock --systohc --utc || printf 'warning: this machine keeps no time while it is off\n'
}

close_disk() {
  umount --recursive "$TARGET"
  TARGET=''
  release_disks
  sync
}

# The log goes first: once the controller knows, it switches the machine off.
report_install_reboot() {
  stop_reporting
  notify install_reboot 100 "$HOST_NAME is on ${DISKS[*]}" || fail 'the controller did not take install_reboot'
}

start_steps install
run_steps report_start:0 set_clock:1 check_boot_mode:1 choose_disk:2 check_that_image_fits:3 partition_disk:4 \
  fetch_chunk_list:5 zero_holes:6 stream_image:10 read_back:65 grow_root:75 renew_root_uuid:77 mount_root:78 mount_volumes:79 \
  take_host_name:82 write_dodai_files:82 take_owner:83 write_fstab:83 write_keys:83 write_arrays:83 \
  rebuild_initramfs:84 install_boot_loader:88 set_up_network:97 note_config_drive:97 write_config_drive:98 \
  set_installed_clock:98 close_disk:99 report_install_reboot:100
