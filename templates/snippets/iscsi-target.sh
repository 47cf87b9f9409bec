# The controller writes the image: for as long as that takes, this machine exports its disk over iSCSI, to the one address that the
# controller has towards it and to who knows the secret of this instance (CHAP). Everything goes past the page cache.
# Needs image.sh, image-to-device.sh, ISCSI_SECRET and IMAGE_DEVICE.

DISK_URL=${CONTROLLER_URL%/}/boot/instances/$INSTANCE_ID/disk ISCSI_PORT=${ISCSI_PORT:-3260} ISCSI_TARGET='' ISCSI_ADDRESS='' TARGET_PID=''
export TGT_IPC_SOCKET=$WORK_DIR/tgtd

# All of it, not only what is empty in the image: the controller sends no zeros at all, however few they are.
zero_disk() {
  SECTOR_BYTES=$(blockdev --getss "$IMAGE_DEVICE")
  zero_runs "$IMAGE_UNCOMPRESSED_BYTES" < <(printf '0 %d\n' "$IMAGE_UNCOMPRESSED_BYTES")
}

export_disk() {
  local writer
  until_done ask_who_writes
  read -r writer ISCSI_ADDRESS <<<"$(jq --raw-output .address "$WORK_DIR/disk.json") $(<"$WORK_DIR/own-address")"
  # Another one each time: so the controller knows that it is to begin anew.
  ISCSI_TARGET=iqn.2026-01.internal.dodai:${INSTANCE_ID,,}:$(od -An -N 8 -t x8 /dev/urandom | tr -d ' ')
  [[ $ISCSI_ADDRESS != *:* ]] || ISCSI_ADDRESS="[$ISCSI_ADDRESS]"
  tgtd --foreground --iscsi "portal=$ISCSI_ADDRESS:$ISCSI_PORT" >"$WORK_DIR/tgtd.log" 2>&1 &
  TARGET_PID=$!
  await_target_daemon
  tell_target --mode target --op new --targetname "$ISCSI_TARGET"
  tell_target --mode logicalunit --op new --lun 1 --backing-store "$IMAGE_DEVICE" --bsoflags direct --blocksize "$SECTOR_BYTES"
  add_account
  tell_target --mode account --op bind --user dodai
  tell_target --mode target --op bind --initiator-address "$writer"
  printf 'iscsi: %s is exported to %s alone, at %s port %d\n' "$IMAGE_DEVICE" "$writer" "$ISCSI_ADDRESS" "$ISCSI_PORT"
}

ask_who_writes() {
  ask_about_disk --write-out '%{stderr}code=%{http_code}\n%{stdout}%{local_ip}\n' >"$WORK_DIR/own-address"
}

# ask_about_disk CURL_OPTION…: what the controller says is in disk.json. Sets TROUBLE.
ask_about_disk() {
  local status=0 said
  curl --fail-with-body --silent --show-error --connect-timeout 10 --max-time 60 --header @"$WORK_DIR/authorization" \
    --output "$WORK_DIR/disk.json" "$@" "$DISK_URL" 2>"$WORK_DIR/fetch" || status=$?
  ((status != 0)) || return 0
  said=$(jq --raw-output '[.detail, .remedy] | map(strings) | join(" ")' "$WORK_DIR/disk.json" 2>/dev/null) || true
  fetch_failed "$status" "the controller was asked to write the disk${said:+, and said: $said}"
}

await_target_daemon() {
  local ticks
  for ((ticks = 0; ticks < 100; ticks++)); do
    tgtadm --mode system --op show >"$WORK_DIR/target.answer" 2>&1 && return
    kill -0 "$TARGET_PID" 2>/dev/null || break
    sleep 0.1
  done
  fail "the disk could not be exported: tgtd did not start: $(tail -n 3 "$WORK_DIR/tgtd.log")"
}

# tell_target ARGUMENT…: of the one target.
tell_target() {
  tgtadm --lld iscsi --tid 1 "$@" >"$WORK_DIR/target.answer" 2>&1 ||
    fail "the disk could not be exported: tgtadm $*: $(<"$WORK_DIR/target.answer") $(tail -n 3 "$WORK_DIR/tgtd.log")"
}

# tgtadm takes a password as an argument alone, which every process list shows: its request is made here (usr/tgtadm.h of tgt: mode 7,
# account; operation 0, new; driver; length; the rest is not asked for) and its answer begins with 0 when all is well.
add_account() {
  local parameters="user=dodai,password=$ISCSI_SECRET" answer
  answer=$({
    printf '\7\0\0\0\0\0\0\0iscsi' && head -c 59 /dev/zero
    printf '%b\0\0\0' "\\0$(printf %o $((120 + ${#parameters} + 1)))" && head -c 44 /dev/zero
    printf '%s\0' "$parameters"
  } | curl --silent --show-error --max-time 10 --unix-socket "$TGT_IPC_SOCKET.0" telnet://tgtd | od -An -N 4 -t u4 | tr -d ' ')
  [[ $answer == 0 ]] || fail "the disk could not be exported: tgtd did not take the account (answer ${answer:-none})"
}

await_image() {
  local state
  STREAM_BEGAN=$SECONDS
  jq --null-input --compact-output --arg address "${ISCSI_ADDRESS//[\[\]]/}" --argjson port "$ISCSI_PORT" --arg target "$ISCSI_TARGET" \
    '{$address, $port, $target}' >"$WORK_DIR/disk-request.json"
  while true; do
    until_done ask_for_write
    state=$(jq --raw-output .state "$WORK_DIR/disk.json")
    case $state in
      written) break ;;
      failed) fail "the controller did not write the image: $(jq --raw-output .message "$WORK_DIR/disk.json")" ;;
    esac
    kill -0 "$TARGET_PID" 2>/dev/null || fail "the disk is no longer exported: tgtd ended: $(tail -n 3 "$WORK_DIR/tgtd.log")"
    tell_of_write "$state"
    sleep 2
  done
  printf 'image: %d bytes written to %s by the controller, in %d s with its wait\n' "$IMAGE_DATA_BYTES" "$IMAGE_DEVICE" \
    $((SECONDS - STREAM_BEGAN))
}

ask_for_write() {
  ask_about_disk --write-out '%{stderr}code=%{http_code}\n' --header 'Content-Type: application/json' --data-binary @"$WORK_DIR/disk-request.json"
}

tell_of_write() {
  if [[ $1 == writing ]]; then
    BYTES_DONE=$(jq .doneBytes "$WORK_DIR/disk.json")
    tell_of_stream
  else
    step_progress 0 1 "$1: $(jq --raw-output .message "$WORK_DIR/disk.json")"
  fi
}

# Whatever comes next has the disk for itself. tgtd takes no notice of a friendlier signal.
take_disk_back() {
  end_export
  sync "$IMAGE_DEVICE" || fail "writing the image to the disk failed: $IMAGE_DEVICE did not take all of it"
}

end_export() {
  [[ $TARGET_PID ]] || return 0
  kill -KILL "$TARGET_PID" 2>/dev/null || true
  wait "$TARGET_PID" 2>/dev/null || true
  TARGET_PID=''
}
