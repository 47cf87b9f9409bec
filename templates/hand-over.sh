#!/bin/bash
# Makes this machine instance {{ instanceId }}: run by the OS that waited in the resource pool, as root.
# It may be cut short anywhere and run again: it ends the same.
set -Eeuo pipefail

INSTANCE_ID={{ instanceId }}
CONTROLLER_URL={{ controllerUrl }}
TOKEN={{ token }}

HOST_NAME={{ hostName }}
SSH_KEYS=({% for key in sshKeys %}
  {{ key }}{% endfor %}
)
USER_DATA={{ userData }}
PASSWORD_HASH={{ passwordHash }}
# true: user data that only cloud-init reads.
NEEDS_CLOUD_INIT={{ needsCloudInit }}
CONFIG_DRIVE_URL={{ configDriveUrl }}
METADATA_URL={{ metadataUrl }}

{% render 'snippets/talk.sh' %}
{% render 'snippets/in-os.sh' %}
{% render 'snippets/installed-os.sh' %}
{% render 'snippets/first-boot.sh' %}
{% if network -%}
{% render 'snippets/network.sh', network: network %}
{%- endif %}
{% render 'snippets/files.sh', files: files %}
{% render 'snippets/cloud-init.sh', network: network %}
{% render 'snippets/owner.sh' %}
{% render 'snippets/used-os.sh' %}
TARGET='' STEP='' FAILED=''
INSTANCE_URL=${CONTROLLER_URL%/}/v1/instances/$INSTANCE_ID
NOTIFY_URL=$INSTANCE_URL/notify NOTIFY_TOKEN=$TOKEN

fail() {
  FAILED=$*
  exit 1
}

# The controller installs a machine that could not be handed over; until then it waits in the pool again.
report_end() {
  local status=$? attempt
  trap - ERR EXIT
  ((status != 0)) || exit 0
  printf 'dodai: the hand-over failed: %s: %s\n' "$STEP" "$FAILED"
  for attempt in 1 2 4 8 0; do
    [[ $(say failed "hand-over: ${STEP//_/ }: ${FAILED:-ended with status $status}") != 2?? ]] || break
    sleep "$attempt"
  done
  rm -f /etc/dodai/hand-over
  exit "$status"
}

# The kernel is told directly: hostnamectl needs D-Bus, and systemd follows the kernel anyway.
take_host_name() {
  write_host_name /etc/dodai/image-hosts
  printf '%s' "$HOST_NAME" >/proc/sys/kernel/hostname
  # The login prompts on the consoles; not every image has them.
  agetty --reload 2>/dev/null || true
}

# Whose the OS is, is written last: before that, whoever was there is still to be forgotten.
take_identity() {
  write_report_unit
  write_instance_env
}

take_network() {
{%- if network %}
  local before
  cloud_init_is_at_work && return
  before=$(network_files)
  configure_network
  [[ $(network_files) == "$before" ]] || NEEDS_START=yes
{%- else %}
  # It stays as it is.
  return 0
{%- endif %}
}

# From here on the OS is as one that was installed for its owner, and starts as such: anew where cloud-init or another network is to
# begin, else as it is. The mark is for a loss of power just then: the OS that starts is its owner's already.
leave_pool() {
  sync
  if [[ $NEEDS_START == yes ]]; then
    put_file /etc/dodai/leaving 600 </dev/null
    sync
    rm -f /etc/cloud/cloud-init.disabled
    end_pool
    systemctl reboot
  else
    end_pool
    systemctl daemon-reload
    systemctl restart --no-block dodai-installed.service
  fi
}

end_pool() {
  rm -f /etc/systemd/system/{,multi-user.target.wants/}dodai-await-owner.service /etc/dodai/leaving
  sync
}

trap 'FAILED="command \"$BASH_COMMAND\" ended with status $?"' ERR
trap report_end EXIT
if [[ -e /etc/dodai/leaving && ! -e /etc/cloud/cloud-init.disabled ]]; then
  end_pool
  exit 0
fi
for STEP in check_user_data hold_cloud_init take_host_name forget_owner take_owner take_config_drive take_network check_that_nothing_is_left \
  take_identity leave_pool; do "$STEP"; done
printf 'dodai: this machine is now %s, instance %s\n' "$HOST_NAME" "$INSTANCE_ID"
