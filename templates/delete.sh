#!/bin/bash
# Wipes the disks of the machine that instance {{ instanceId }} was on: run by the live image.
set -Eeuo pipefail

INSTANCE_ID={{ instanceId }}
CONTROLLER_URL={{ controllerUrl }}
TOKEN={{ token }}
# quick: signatures and partition tables; discard: blkdiscard as well; overwrite: zeros on every sector.
WIPE_MODE={{ wipeMode }}

{% render 'snippets/notify.sh' %}
{% render 'snippets/steps.sh' %}
{% render 'snippets/disks.sh' %}
{% render 'snippets/wipe.sh' %}
DISKS='' EVIDENCE='[]'

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
  release_disks
  for disk in $DISKS; do clear_disk_metadata "$disk"; done
}

wipe_data() {
  local disk
  for disk in $DISKS; do
    BYTES_BEFORE=$BYTES_WIPED BEGAN=$SECONDS
    wipe_disk "$disk" "$WIPE_MODE"
    BYTES_WIPED=$((BYTES_BEFORE + $(blockdev --getsize64 "$disk")))
    EVIDENCE=$(add_evidence "$disk" $((SECONDS - BEGAN)))
  done
}

read_back() {
  local disk
  for disk in $DISKS; do check_zeros "$disk" "$WIPE_MODE"; done
}

# The log goes first: once the controller knows, it switches the machine off.
report_deleted() {
  printf 'wiped: %s\n' "$EVIDENCE"
  stop_reporting
  notify deleted 100 "$EVIDENCE" || fail 'the controller did not take deleted'
}

start_steps delete
run_steps report_start:0 set_clock:1 find_disks:2 clear_metadata:3 wipe_data:8 read_back:95 report_deleted:100
