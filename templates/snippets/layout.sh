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
