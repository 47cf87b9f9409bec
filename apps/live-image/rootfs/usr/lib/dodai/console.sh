#!/bin/bash
# Sourced by init and provision: what they tell goes to every console and to the log that is sent to the controller.

readonly STATE_DIR=/run/dodai
readonly LOG=$STATE_DIR/install.log

# Devices of the kernel's consoles (tty0 and ttyS0, as the command line names them).
console_devices() {
  local name names
  read -r -a names </sys/class/tty/console/active
  for name in "${names[@]}"; do printf '/dev/%s\n' "$name"; done
}

# Kernel seconds stand in front, so that the serial console shows where the time went.
say() {
  local uptime line device
  read -r uptime _ </proc/uptime
  printf -v line 'dodai-live [%6.1fs] %s' "$uptime" "$*"
  printf '%s\n' "$line" >>"$LOG"
  for device in $(console_devices); do
    printf '%s\n' "$line" 2>/dev/null >"$device" || true
  done
}
