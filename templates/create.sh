#!/bin/bash
# Installs instance {{ instanceId }}: run by the live image of the machine that gets it.
set -Eeuo pipefail

INSTANCE_ID={{ instanceId }}
CONTROLLER_URL={{ controllerUrl }}
TOKEN={{ token }}

IMAGE_ID={{ imageId }}
IMAGE_KIND={{ imageKind }}
IMAGE_TYPE={{ imageType }}
IMAGE_URL={{ imageUrl }}
IMAGE_CHUNKS_URL={{ imageChunksUrl }}
IMAGE_CHUNKS_SHA256={{ imageChunksSha256 }}
IMAGE_COMPRESSED_BYTES={{ imageCompressedBytes }}
IMAGE_UNCOMPRESSED_BYTES={{ imageUncompressedBytes }}
IMAGE_DATA_BYTES={{ imageDataBytes }}
{%- if imageKind == 'disk' %}
IMAGE_ROOT_PARTITION={{ imageRootPartition }}
IMAGE_SECTOR_BYTES={{ imageSectorBytes }}
{%- endif %}
{%- if iscsiSecret != '' %}
ISCSI_SECRET={{ iscsiSecret }}
{%- endif %}
READ_BACK={{ readBack }}
KERNEL_ARGUMENTS={{ kernelArguments }}

BOOT_MODE={{ bootMode }}
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
PASSWORD_HASH={{ passwordHash }}
# true: user data that only cloud-init reads.
NEEDS_CLOUD_INIT={{ needsCloudInit }}
CONFIG_DRIVE_URL={{ configDriveUrl }}
METADATA_URL={{ metadataUrl }}
# true: for the resource pool, where it waits for its owner.
POOLED={{ pooled }}

ROOT_DEVICE_HINT={{ rootDeviceHint | json }}
DISK_LAYOUT={{ diskPlan | json }}

{% render 'snippets/notify.sh' %}
{% render 'snippets/steps.sh' %}
{% render 'snippets/disks.sh' %}
{% render 'snippets/layout.sh' %}
{% render 'snippets/config-drive.sh' %}
{% if imageKind == 'disk' -%}
{% render 'snippets/whole-disk.sh' %}
{%- endif %}
{% render 'snippets/image.sh' %}
{% if imageKind == 'tarball' -%}
{% render 'snippets/image-to-files.sh' %}
{%- else -%}
{% render 'snippets/image-to-device.sh' %}
{%- endif %}
{% if iscsiSecret != '' -%}
{% render 'snippets/iscsi-target.sh' %}
{%- endif %}
{% render 'snippets/root.sh' %}
{% render 'snippets/installed-os.sh' %}
{% render 'snippets/in-root.sh' %}
{% render 'snippets/fresh-os.sh' %}
{% render 'snippets/boot-entries.sh' %}
{% render 'snippets/firmware.sh' %}
{% render 'snippets/layout-files.sh' %}
{% render 'snippets/boot-loader.sh' %}
{% render 'snippets/kernel-arguments.sh' %}
{% render 'snippets/first-boot.sh' %}
{% render 'snippets/await-owner.sh' %}
{% render 'snippets/dodai-files.sh' %}
{% render 'snippets/network.sh', network: network %}
{% render 'snippets/files.sh', files: files %}
{% render 'snippets/cloud-init.sh', network: network %}
{% render 'snippets/owner.sh' %}
TARGET='' DISK_WRITTEN=no

# A failed installation leaves a disk that does not boot: neither half an OS nor the one from before.
leave_safe() {
{%- if iscsiSecret != '' %}
  end_export
{%- endif %}
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
{%- case imageKind %}
{%- when 'file_system' %}
run_steps report_start:0 set_clock:1 check_boot_mode:1 choose_disk:2 check_that_image_fits:3 partition_disk:4 \
  fetch_chunk_list:5 zero_holes:6 stream_image:10 read_back:65 grow_root:75 renew_root_uuid:77 mount_root:78 mount_volumes:79 \
  take_host_name:82 write_dodai_files:82 take_owner:83 write_fstab:83 write_keys:83 write_arrays:83 \
  rebuild_initramfs:84 install_boot_loader:88 set_up_network:97 note_config_drive:97 write_config_drive:98 \
  set_installed_clock:98 close_disk:99 report_install_reboot:100
{%- when 'tarball' %}
run_steps report_start:0 set_clock:1 check_boot_mode:1 choose_disk:2 check_that_image_fits:3 partition_disk:4 \
  make_root_file_system:5 mount_root:7 fetch_chunk_list:8 stream_image:10 read_back:65 mount_volumes:79 \
  take_host_name:82 write_dodai_files:82 take_owner:83 write_fstab:83 write_keys:83 write_arrays:83 \
  rebuild_initramfs:84 install_boot_loader:88 set_up_network:97 note_config_drive:97 write_config_drive:98 \
  set_installed_clock:98 close_disk:99 report_install_reboot:100
{%- when 'disk' %}
run_steps report_start:0 set_clock:1 check_boot_mode:1 choose_disk:2 check_sectors:3 clear_disk:4 fetch_chunk_list:5 \
{%- if iscsiSecret != '' %}
  zero_disk:6 export_disk:10 await_image:10 take_disk_back:74 \
{%- else %}
  zero_holes:6 stream_image:10 \
{%- endif %}
  read_back:75 grow_partitions:88 grow_root:89 set_boot_entry:91 mount_root:92 mount_others:93 \
  take_host_name:94 set_kernel_arguments:94 write_dodai_files:95 take_owner:96 set_up_network:97 note_config_drive:97 \
  write_config_drive:98 set_installed_clock:98 close_disk:99 report_install_reboot:100
{%- endcase %}
