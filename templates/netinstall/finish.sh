#!/bin/bash
# Makes the OS that its own installer has just installed that of instance {{ instanceId }}: run within it as root, before its first start.
set -Eeuo pipefail

INSTANCE_ID={{ instanceId }}
CONTROLLER_URL={{ controllerUrl }}
TOKEN={{ token }}

IMAGE_ID={{ imageId }}
IMAGE_TYPE={{ imageType }}
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
# What an installer has written never waits in the pool.
POOLED=false
INSTANCE_URL=${CONTROLLER_URL%/}/v1/instances/$INSTANCE_ID
TARGET=''

fail() {
  printf '%s\n' "$*"
  exit 1
}

{% render 'snippets/in-os.sh' %}
{% render 'snippets/installed-os.sh' %}
{% render 'snippets/fresh-os.sh' %}
{% render 'snippets/boot-entries.sh' %}
{% render 'snippets/first-boot.sh' %}
{% render 'snippets/dodai-files.sh' %}
{% if network -%}
{% render 'snippets/network.sh', network: network %}
{%- endif %}
{% render 'snippets/files.sh', files: files %}
{% render 'snippets/cloud-init.sh', network: network %}
{% render 'snippets/owner.sh' %}
# What the installer of Ubuntu leaves for cloud-init would be done again at the first start.
forget_installer() {
  rm -f /etc/cloud/cloud.cfg.d/{90-installer-network,99-installer}.cfg /etc/cloud/ds-identify.cfg
}

take_network() {
{%- if network %}
  cloud_init_is_at_work && return
  rm -f /etc/netplan/{00-installer-config,50-cloud-init}*.yaml
  configure_network
{%- else %}
  # As the installer has set it up.
  return 0
{%- endif %}
}

# By the mark the network loader tells this system partition from those of other disks.
mark_system_partition() {
  [[ ! -d /boot/efi/EFI ]] || printf '%s\n' "$INSTANCE_ID" | put_file /boot/efi/EFI/dodai/instance 644
}

# The installer has put its disk before the network, from which the next installation, or the wipe, is to start.
keep_network_first() {
  local first
  [[ -d $FIRMWARE_DIR ]] && has_program efibootmgr || return 0
  first=$(boot_entries | sed -n 's/^BootOrder: \([0-9A-F]*\).*/\1/p')
  [[ $first && $'\n'$(network_entries)$'\n' != *$'\n'"$first"$'\n'* ]] || return 0
  efibootmgr --quiet --bootorder "$(order_with "$first")"
}

# Files that were made here have the labels of the installer.
relabel() {
  if has_program restorecon; then restorecon -R /etc /root /home; fi
}

trap 'printf "command \"%s\" ended with status %d\n" "$BASH_COMMAND" "$?"' ERR
for step in take_host_name write_dodai_files forget_installer take_owner take_network mark_system_partition relabel; do "$step"; done
keep_network_first || printf 'warning: the boot entries of the firmware stay as they are\n'
