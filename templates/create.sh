#!/bin/bash
# Installs instance {{ instanceId }}: run by the live image of the machine that gets it.
set -Eeuo pipefail

INSTANCE_ID={{ instanceId }}
CONTROLLER_URL={{ controllerUrl }}
TOKEN={{ token }}

IMAGE_ID={{ imageId }}
IMAGE_TYPE={{ imageType }}
IMAGE_URL={{ imageUrl }}
IMAGE_SHA256={{ imageSha256 }}
IMAGE_COMPRESSED_BYTES={{ imageCompressedBytes }}
IMAGE_UNCOMPRESSED_BYTES={{ imageUncompressedBytes }}

HOST_NAME={{ hostName }}
PXE_MAC={{ pxeMac }}
PXE_IP={{ pxeIp }}
STORAGE_MAC={{ storageMac }}
STORAGE_IP={{ storageIp }}
SERVICE_MAC1={{ serviceMac1 }}
SERVICE_MAC2={{ serviceMac2 }}
SSH_KEYS=({% for key in sshKeys %}
  {{ key }}{% endfor %}
)
USER_DATA={{ userData }}
# true: for the resource pool, where it waits for its owner.
POOLED={{ pooled }}

ROOT_DEVICE_HINT={{ rootDeviceHint | json }}
ROOT_SIZE_MIB={{ rootSizeMib }}
SWAP_SIZE_MIB={{ swapSizeMib }}
KDUMP_SIZE_MIB={{ kdumpSizeMib }}
EPHEMERAL_SIZE_MIB={{ ephemeralSizeMib }}

{% render 'snippets/notify.sh' %}
{% render 'snippets/steps.sh' %}
{% render 'snippets/disks.sh' %}
{% render 'snippets/partitions.sh' %}
{% render 'snippets/image.sh' %}
{% render 'snippets/installed-os.sh' %}
{% render 'snippets/fresh-os.sh' %}
{% render 'snippets/first-boot.sh' %}
{% render 'snippets/await-owner.sh' %}
{% render 'snippets/network.sh' %}
DISK='' TARGET='' DISK_WRITTEN=no

# A failed installation leaves a disk that does not boot: neither half an OS nor the one from before.
leave_safe() {
  [[ -z $TARGET ]] || umount --recursive --lazy "$TARGET"
  [[ $DISK_WRITTEN == no ]] || make_unbootable "$DISK"
}

choose_disk() {
  DISK=$(list_disks | pick_disk "$ROOT_DEVICE_HINT" "$(needed_bytes)")
  printf 'installing %s on %s\n' "$HOST_NAME" "$DISK"
  lsblk --output NAME,SIZE,ROTA,TRAN,SERIAL,MODEL "$DISK"
}

check_that_image_fits() {
  ((IMAGE_UNCOMPRESSED_BYTES <= ROOT_SIZE_MIB << 20)) ||
    fail "image $IMAGE_ID has $IMAGE_UNCOMPRESSED_BYTES bytes, its partition only $ROOT_SIZE_MIB MiB"
}

partition_disk() {
  release_disks
  DISK_WRITTEN=yes
  clear_signatures "$DISK"
  create_partitions "$DISK"
  reread_partitions "$DISK"
  format_swap_and_kdump "$DISK"
}

stream_image() {
  stream_image_to "$(partition_path "$DISK" 2)"
}

# The file system fills its partition and gets an identity of its own.
grow_root() {
  local root status=0
  root=$(partition_path "$DISK" 2)
  e2fsck -f -p "$root" || status=$?
  ((status <= 1)) || fail "the file system of image $IMAGE_ID is damaged: e2fsck ended with status $status"
  resize2fs "$root"
  tune2fs -U random "$root"
}

mount_root() {
  local mount_point
  mount_point=$(mktemp -d)
  mount "$(partition_path "$DISK" 2)" "$mount_point"
  TARGET=$mount_point
}

format_ephemeral() {
  make_file_system "$(partition_tag TYPE 2)" ephemeral "$(partition_path "$DISK" 5)"
}

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
  write_user_data
  write_report_unit
  [[ $POOLED != true ]] || write_await_owner_unit
}

# partition_tag UUID|TYPE NUMBER
partition_tag() {
  blkid --probe --match-tag "$1" --output value "$(partition_path "$DISK" "$2")"
}

# Mounts that need no disk (tmpfs, NFS, …) stay as the image has them.
write_fstab() {
  local kept=''
  [[ ! -f $TARGET/etc/fstab ]] ||
    kept=$(awk '$1 !~ /^(#|\/dev\/|UUID=|LABEL=|PARTUUID=|PARTLABEL=|$)/ && NF >= 4' "$TARGET/etc/fstab")
  {
    printf '# <file system> <mount point> <type> <options> <dump> <pass>\n'
    printf 'UUID=%s / %s errors=remount-ro 0 1\n' "$(partition_tag UUID 2)" "$(partition_tag TYPE 2)"
    ((SWAP_SIZE_MIB == 0)) || printf 'UUID=%s none swap sw,nofail 0 0\n' "$(partition_tag UUID 3)"
    printf 'UUID=%s /mnt %s defaults,nofail 0 2\n' "$(partition_tag UUID 5)" "$(partition_tag TYPE 5)"
    [[ -z $kept ]] || printf '%s\n' "$kept"
  } | put_file /etc/fstab 644
}

write_boot_settings() {
  put_file /etc/default/grub.d/99-dodai.cfg 644 <<'CFG'
# Boot messages on the screen and on the serial console; no menu to wait for.
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="console=tty0 console=ttyS0,115200n8"
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

install_boot_loader() {
  local directory
  has_program grub-install || fail "image $IMAGE_ID has no grub-install: it cannot be made to boot"
  [[ -d $TARGET/usr/lib/grub/i386-pc ]] || fail "image $IMAGE_ID has no GRUB for BIOS (Debian package grub-pc-bin)"
  for directory in dev proc sys run; do mount --rbind --make-rslave "/$directory" "$TARGET/$directory"; done
  write_boot_settings
  hide_udevadm
  in_target grub-install --target=i386-pc --no-floppy "$DISK"
  in_target update-grub
}

configure_network() {
  configure_dhcp
}

set_installed_clock() {
  printf '0.0 0 0.0\n0\nUTC\n' | put_file /etc/adjtime 644
  hwclock --systohc --utc || printf 'warning: this machine keeps no time while it is off\n'
}

close_disk() {
  umount --recursive "$TARGET"
  TARGET=''
  sync
}

# The log goes first: once the controller knows, it switches the machine off.
report_install_reboot() {
  stop_reporting
  notify install_reboot 100 "$HOST_NAME is on $DISK" || fail 'the controller did not take install_reboot'
}

start_steps install
run_steps report_start:0 set_clock:1 choose_disk:2 check_that_image_fits:3 partition_disk:4 stream_image:10 \
  grow_root:75 format_ephemeral:78 mount_root:80 take_host_name:81 write_dodai_files:82 write_ssh_keys:83 \
  write_fstab:84 install_boot_loader:85 configure_network:97 set_installed_clock:98 close_disk:99 \
  report_install_reboot:100
