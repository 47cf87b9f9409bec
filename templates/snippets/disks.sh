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
