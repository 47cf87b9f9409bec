# The agent of an OS that waits in the resource pool: it asks for its owner, and nothing listens on the machine.
# Needs TARGET, put_file and enable_unit.

write_await_owner_unit() {
  put_file /etc/dodai/await-owner 755 <<'SCRIPT'
#!/bin/bash
# Asks the controller for the owner of this machine, as long as it takes, and hands the machine over. The script that does
# so is kept until it is done: after a power failure the hand-over goes on, whatever the controller thinks of it by then.
set -u
umask 077
# shellcheck source=/dev/null
. /etc/dodai/talk.sh
# shellcheck source=/dev/null
. /etc/dodai/instance.env

script=/etc/dodai/hand-over pause=1 told=''
until [[ -s $script ]]; do
  asked=$SECONDS
  # The controller holds the request until there is an owner, for the time that it is asked to.
  status=$(ask GET "${NOTIFY_URL%/notify}/owner?timeout=50" "$NOTIFY_TOKEN" 70 "$script.part")
  case $status in
    200)
      sync "$script.part" && mv "$script.part" "$script"
      continue
      ;;
    204)
      pause=1 told=''
      ((SECONDS > asked)) || sleep 1
      continue
      ;;
  esac
  [[ $told == "$status" ]] || echo "dodai: asking for an owner was answered with HTTP $status"
  told=$status
  # Not all machines of a rack at the same moment.
  sleep "$((pause / 2)).$((RANDOM % 10))"
  pause=$((pause < 60 ? pause * 2 : 120))
done
exec bash "$script"
SCRIPT
  put_file /etc/systemd/system/dodai-await-owner.service 644 <<'UNIT'
[Unit]
Description=Wait in the pool for an owner
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=/etc/dodai/await-owner
Restart=on-failure
RestartSec=10
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=multi-user.target
UNIT
  enable_unit dodai-await-owner.service
}
