#!/bin/bash
# The chassis behind a machine's BMC: what ipmi_sim runs to read and to set power, reset and boot device.
#   chassis.sh DIR get power|boot
#   chassis.sh DIR set power|reset|boot|shutdown|identify VALUE
# The machine is on exactly when its QEMU process lives; nothing else is remembered, so a BMC may be restarted at will.
set -euo pipefail

machine_dir=$1
action="$2 $3"
value=${4:-}

pid_file=$machine_dir/qemu.pid
boot_file=$machine_dir/boot-device
readonly nic_first=1 nic_last=99
readonly power_off_polls=100 poll_seconds=0.02 qmp_seconds=5

print_running_pid() {
  local pid cmdline
  [[ -r $pid_file ]] || return 1
  read -r pid <"$pid_file" || return 1
  { mapfile -d '' cmdline <"/proc/$pid/cmdline"; } 2>/dev/null || return 1
  [[ " ${cmdline[*]} " == *" $pid_file "* ]] || return 1
  printf '%s\n' "$pid"
}

is_on() { print_running_pid >/dev/null; }

# QEMU must not inherit ipmi_sim's sockets: they would hold the BMC's port after the BMC is gone.
close_inherited_files() {
  local entry fd
  for entry in /proc/self/fd/*; do
    fd=${entry##*/}
    if ((fd > 2)); then eval "exec $fd>&-"; fi
  done
}

# The boot device counts for one boot, as IPMI has it; the network comes first otherwise.
power_on() {
  if is_on; then return 0; fi
  local device=pxe
  if [[ -r $boot_file ]]; then read -r device <"$boot_file"; fi
  rm -f "$boot_file"
  case $device in
    default)
      start_qemu "$nic_last"
      open_monitor
      move_nic_first
      ;;
    *) start_qemu "$nic_first" ;;
  esac
}

start_qemu() {
  (
    close_inherited_files
    export nic_bootindex=$1
    exec bash "$machine_dir/qemu.sh" </dev/null >>"$machine_dir/power.log" 2>&1
  )
}

# For the boots after this one; QEMU hands the order to the firmware at each reset.
move_nic_first() {
  tell_monitor '{"execute":"qom-set","arguments":{"path":"/machine/peripheral/nic0","property":"bootindex","value":'"$nic_first"'}}' '"return"'
}

power_off() {
  local pid
  pid=$(print_running_pid) || return 0
  signal_and_wait TERM "$pid" || signal_and_wait KILL "$pid"
}

signal_and_wait() {
  local poll
  kill -"$1" "$2" 2>/dev/null || return 0
  for ((poll = 0; poll < power_off_polls; poll++)); do
    is_on || return 0
    sleep "$poll_seconds"
  done
  return 1
}

open_monitor() {
  coproc MONITOR { exec socat -t 0 - "UNIX-CONNECT:$machine_dir/qmp.sock" 2>/dev/null; }
  tell_monitor '{"execute":"qmp_capabilities"}' '"return"'
}

# Sends a command and waits for a line with the given text, so that it took effect before the line is cut.
tell_monitor() {
  local command=$1 expected=$2 line
  printf '%s\n' "$command" >&"${MONITOR[1]}"
  while read -r -t "$qmp_seconds" line <&"${MONITOR[0]}"; do
    if [[ $line == *"$expected"* ]]; then return 0; fi
    if [[ $line == *'"error"'* ]]; then break; fi
  done
  printf 'QEMU did not carry out %s: %s\n' "$command" "${line:-no answer}" >&2
  return 1
}

# SeaBIOS reads the boot order late, after resets of its own: a new order is sure to be seen by a new QEMU only.
reset_machine() {
  is_on || return 1
  if [[ -r $boot_file ]]; then
    power_off
    power_on
  else
    open_monitor
    tell_monitor '{"execute":"system_reset"}' '"RESET"'
  fi
}

press_power_button() {
  is_on || return 0
  open_monitor
  tell_monitor '{"execute":"system_powerdown"}' '"return"'
}

set_boot_device() {
  case $value in
    none | pxe | default) printf '%s\n' "$value" >"$boot_file" ;;
    *) return 1 ;; # the machines have neither CD drive nor setup menu
  esac
}

case $action in
  'get power') if is_on; then echo 'power: 1'; else echo 'power: 0'; fi ;;
  'get boot') if [[ -r $boot_file ]]; then echo "boot: $(<"$boot_file")"; else echo 'boot: none'; fi ;;
  'set power') if [[ $value == 1 ]]; then power_on; else power_off; fi ;;
  'set reset') reset_machine ;;
  'set shutdown') press_power_button ;;
  'set boot') set_boot_device ;;
  'set identify') ;;
  *)
    printf 'unknown request: %s\n' "$action" >&2
    exit 2
    ;;
esac
