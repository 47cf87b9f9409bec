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
