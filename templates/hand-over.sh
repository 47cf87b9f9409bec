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

{% render 'snippets/talk.sh' %}
{% render 'snippets/installed-os.sh' %}
{% render 'snippets/first-boot.sh' %}
TARGET='' STEP='' FAILED=''
INSTANCE_URL=${CONTROLLER_URL%/}/v1/instances/$INSTANCE_ID
NOTIFY_URL=$INSTANCE_URL/notify NOTIFY_TOKEN=$TOKEN

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

forget_keys() {
  rm -f "$1/.ssh/authorized_keys"
}

take_ssh_keys() {
  for_each_account forget_keys
  write_ssh_keys
}

take_identity() {
  write_instance_env
  write_user_data
  write_report_unit
}

# From here on the OS is as one that was installed for its owner, and starts as such.
leave_pool() {
  sync
  rm -f /etc/systemd/system/{,multi-user.target.wants/}dodai-await-owner.service
  systemctl daemon-reload
  systemctl restart --no-block dodai-installed.service
}

trap 'FAILED="command \"$BASH_COMMAND\" ended with status $?"' ERR
trap report_end EXIT
for STEP in take_host_name take_ssh_keys take_identity leave_pool; do "$STEP"; done
printf 'dodai: this machine is now %s, instance %s\n' "$HOST_NAME" "$INSTANCE_ID"
