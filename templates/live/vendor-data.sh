#!/bin/bash
# Settles instance {{ instanceId }} in an OS that runs in memory: cloud-init has this from the vendor data, at every start anew, for no
# installer was there before it. It says `installed` when cloud-init has ended.
set -Eeuo pipefail

INSTANCE_ID={{ instanceId }}
CONTROLLER_URL={{ controllerUrl }}
TOKEN={{ token }}
INSTANCE_URL=${CONTROLLER_URL%/}/v1/instances/$INSTANCE_ID
TARGET='' USER_DATA=''

fail() {
  printf 'dodai: %s\n' "$*"
  exit 1
}

{% render 'snippets/in-os.sh' %}
{% render 'snippets/installed-os.sh' %}
{% render 'snippets/first-boot.sh' %}
{% render 'snippets/files.sh', files: files %}
# What waits for cloud-init must not be waited for by it.
start_report() {
  printf 'metadata service\n' | put_file /etc/dodai/cloud-init 644
  write_report_unit
  write_instance_env
  systemctl daemon-reload
  systemctl start --no-block dodai-installed.service
}

write_files
start_report
