#!/bin/sh
# Speaks for instance {{ instanceId }} from within the installer of its distribution, which calls it by the commands at the end.
# For every shell and whatever else there is: the installer of Debian has busybox and wget, the others have curl.
set -eu

INSTANCE_URL={{ controllerUrl }}/v1/instances/{{ instanceId }}
FINISH_URL={{ finishUrl }}
TOKEN={{ token }}
SELF=/run/dodai.sh DIR=/run/dodai
# Stands for the disk in answer files that know no other way.
DEVICE={{ device }}

# The root device hint, for awk.
export LC_ALL=C NEEDED_BYTES={{ neededBytes }}
export HINT_SERIAL={{ hint.serial }} HINT_WWN={{ hint.wwn }} HINT_MODEL={{ hint.model }} HINT_PATH={{ hint.path }}
export HINT_MIN_GB={{ hint.minSizeGb }} HINT_MAX_GB={{ hint.maxSizeGb }} HINT_ROTATIONAL={{ hint.rotational }}
export HINT_TRANSPORT={{ hint.transport }} HINT_NAMESPACE={{ hint.nvmeNamespace }}

{% render 'netinstall/talk.sh' %}
{% render 'netinstall/disks.sh' %}
{% render 'netinstall/reporter.sh' %}
{% render 'netinstall/end.sh' %}
# From here on a restart of the machine leads to its disk, and not into the installer again.
begin() {
  mkdir -p "$DIR"
  write_authorization
  write_hook
  fetch "$FINISH_URL" "$DIR/finish.sh"
  notify install 0 'the installer has its answers'
  (close_pipes && reporter) </dev/null >/dev/null 2>&1 &
}

# The installer of Debian goes on when nobody has its pipes open any more, whatever their numbers; not every shell elsewhere knows
# numbers of two digits.
close_pipes() {
  local fd
  command -v debconf-set >/dev/null || return 0
  for fd in /proc/self/fd/*; do
    case ${fd##*/} in 0 | 1 | 2) ;; *) eval "exec ${fd##*/}>&-" ;; esac
  done
}

# Where the installer looks for it: each has its own way to be told.
disk() {
  local chosen
  chosen=$(list_disks | choose_disk) || failed "$chosen"
  DISK=${chosen%% *}
  notify install 15 "the OS goes to $chosen"
  if command -v debconf-set >/dev/null; then tell_debconf; fi
  printf 'ignoredisk --only-use=%s\nclearpart --all --initlabel --drives=%s\n' "${DISK#/dev/}" "${DISK#/dev/}" >"$DIR/disk.ks"
  [ ! -f /autoinstall.yaml ] || sed -i "s|$DEVICE|$DISK|g" /autoinstall.yaml
  [ ! -f /tmp/profile/autoinst.xml ] || sed "s|$DEVICE|$DISK|g" /tmp/profile/autoinst.xml >/tmp/profile/modified.xml
}

# Also what no part of the installer has asked yet.
tell_debconf() {
  printf 'd-i partman-auto/disk string %s\nd-i grub-installer/bootdev string %s\n' "$DISK" "$DISK" >"$DIR/disk.cfg"
  debconf-set-selections "$DIR/disk.cfg"
}

progress() {
  notify install "$1" "$2"
}

# The OS is installed and not yet closed: it is made its owner's from within.
finish() {
  local root
  root=$(installed_root)
  notify install 94 'the OS is made that of its owner'
  cp "$DIR/finish.sh" "$root/dodai-finish.sh"
  run_in "$root" bash /dodai-finish.sh >"$DIR/finish.log" 2>&1 || failed "the finish script: $(tail -n 5 "$DIR/finish.log")"
  cat "$DIR/finish.log"
  rm -f "$root/dodai-finish.sh"
  prepare_end "$root"
}

# failed [REASON]
failed() {
  notify failed '' "${1:-the installer gave up}"
  exit 1
}

command=$1
shift
case $command in begin | disk | progress | finish | failed | close | end) "$command" "$@" ;; esac
