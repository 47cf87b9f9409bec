#!/bin/sh
# The chassis behind an ipmi_sim BMC, as its `chassis_control` program: DIRECTORY get|set WHAT [VALUE].
# Keeps what it is in files of DIRECTORY and writes every order to its `log`, with the time in milliseconds.
set -eu

directory=$1 verb=$2 what=$3 value=${4-}
now_ms=$(date +%s%3N)

set_power() {
  cp "$directory/power" "$directory/power-before"
  echo "$1" >"$directory/power"
  echo $((now_ms + $(cat "$directory/settle-ms"))) >"$directory/settled-at"
}

get_power() {
  if [ "$now_ms" -lt "$(cat "$directory/settled-at")" ]; then
    cat "$directory/power-before"
  else
    cat "$directory/power"
  fi
}

if [ "$verb" = set ]; then echo "$now_ms $what $value" >>"$directory/log"; fi

case "$verb $what" in
  'get power') echo "power:$(get_power)" ;;
  'get boot') echo "boot:$(cat "$directory/boot")" ;;
  'set power') set_power "$value" ;;
  'set reset') ;;
  'set shutdown') [ -e "$directory/ignores-soft-off" ] || set_power 0 ;;
  'set boot')
    if [ -e "$directory/refuses-boot-device" ]; then exit 1; fi
    echo "$value" >"$directory/boot"
    ;;
  *) exit 1 ;;
esac
