#!/bin/bash
# Wipes the disks of the machine that instance {{ instanceId }} was on: run by the live image.
set -Eeuo pipefail

INSTANCE_ID={{ instanceId }}
CONTROLLER_URL={{ controllerUrl }}
TOKEN={{ token }}
# quick: signatures, partition tables and keys; discard: blkdiscard as well; secure_erase: the disk's own command; overwrite: zeros
# on every sector.
WIPE_MODE={{ wipeMode }}

{% render 'snippets/notify.sh' %}
{% render 'snippets/steps.sh' %}
{% render 'snippets/disks.sh' %}
{% render 'snippets/boot-entries.sh' %}
{% render 'snippets/wipe-metadata.sh' %}
{% render 'snippets/wipe.sh' %}
{% render 'snippets/secure-erase.sh' %}
{% render 'snippets/wipe-evidence.sh' %}
DISKS=''

# Whatever has been cleared stays cleared; nothing is put back.
leave_safe() {
  :
}

find_disks() {
  DISKS=$(list_disks | jq --raw-output '.[].path')
  [[ $DISKS ]] || fail 'no disk was found: nothing was wiped, so nothing can be called wiped'
  lsblk --nodeps --output NAME,SIZE,ROTA,TRAN,SERIAL,MODEL
}

# All of them before any long work: from here on the machine cannot start its old OS.
clear_metadata() {
  local disk
  # shellcheck disable=SC2086 # several disks
  clear_layers $DISKS
  release_disks
  for disk in $DISKS; do clear_disk_metadata "$disk"; done
  remove_boot_entries || printf 'warning: the firmware keeps its entry for the OS that was here\n'
}

read_back() {
  local disk
  for disk in $DISKS; do
    read_places "$disk" "${METHODS[$disk]}"
    evidence_of "$disk" "${METHODS[$disk]}" >>"$WORK_DIR/evidence"
  done
}

# The log goes first: once the controller knows, it switches the machine off.
report_deleted() {
  local message
  message=$(jq --slurp . "$WORK_DIR/evidence" | told_evidence)
  jq --slurp '{wipe: .}' "$WORK_DIR/evidence" >"$WORK_DIR/wipe.json"
  printf '%s\n' "$message"
  stop_reporting
  notify deleted 100 "$message" "$WORK_DIR/wipe.json" || fail 'the controller did not take deleted'
}

start_steps delete
run_steps report_start:0 set_clock:1 find_disks:2 clear_metadata:3 choose_methods:7 wipe_disks:8 read_back:95 report_deleted:100
