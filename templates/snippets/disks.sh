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

# partitions_on DISK…
partitions_on() {
  lsblk --noheadings --list --paths --output NAME,TYPE "$@" | awk '$2 == "part" { print $1 }'
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
