#!/bin/sh
# Speaks for instance 6f9619ff-8b86-4d01-b42d-00cf4fc964ff from within the installer of its distribution, which calls it by the commands at the end.
# For every shell and whatever else there is: the installer of Debian has busybox and wget, the others have curl.
set -eu

INSTANCE_URL=http://10.77.0.1:7071/v1/instances/6f9619ff-8b86-4d01-b42d-00cf4fc964ff
FINISH_URL=http://10.77.0.1:7071/boot/instances/6f9619ff-8b86-4d01-b42d-00cf4fc964ff/finish.sh
TOKEN=tok_Zm9vYmFy
SELF=/run/dodai.sh DIR=/run/dodai
# Stands for the disk in answer files that know no other way.
DEVICE=/dev/dodai-disk

# The root device hint, for awk.
export LC_ALL=C NEEDED_BYTES=4000000000
export HINT_SERIAL='DISK 1' HINT_WWN='' HINT_MODEL='' HINT_PATH=''
export HINT_MIN_GB=100 HINT_MAX_GB='' HINT_ROTATIONAL=''
export HINT_TRANSPORT='' HINT_NAMESPACE=''

# Talk with the controller. Needs INSTANCE_URL, TOKEN and DIR.

# Kept in files, in the words of curl and of wget, so that no process list shows the token.
write_authorization() {
  (
    umask 077
    printf 'header = "Authorization: Bearer %s"\n' "$TOKEN" >"$DIR/curlrc"
    printf 'header = Authorization: Bearer %s\n' "$TOKEN" >"$DIR/wgetrc"
  )
}

has_curl() {
  command -v curl >/dev/null
}

# post PATH CONTENT_TYPE FILE: one try.
post() {
  if has_curl; then
    curl --fail --silent --show-error --output /dev/null --connect-timeout 5 --max-time 20 --config "$DIR/curlrc" \
      --header "Content-Type: $2" --data-binary @"$3" "$INSTANCE_URL/$1"
  else
    wget --config="$DIR/wgetrc" --quiet --output-document=/dev/null --tries=1 --timeout=20 \
      --header="Content-Type: $2" --post-file="$3" "$INSTANCE_URL/$1"
  fi
}

# get URL FILE: one try.
get() {
  if has_curl; then
    curl --fail --silent --show-error --connect-timeout 5 --max-time 20 --output "$2" "$1"
  else
    wget --quiet --tries=1 --timeout=20 --output-document="$2" "$1"
  fi
}

# insist COMMAND…: until it succeeds, for about two minutes: the controller may just be started anew.
insist() {
  local attempt
  for attempt in 1 2 4 8 15 15 15 15 15 15; do
    ! "$@" || return 0
    sleep "$attempt"
  done
  return 1
}

# fetch URL FILE
fetch() {
  insist get "$@" || {
    printf 'dodai: %s could not be fetched\n' "$1" >&2
    return 1
  }
}

# as_json TEXT: a string of one line.
as_json() {
  printf '"%s"' "$(printf '%s' "$1" | tr -c ' -~' ' ' | cut -c 1-1500 | sed 's/["\\]/\\&/g')"
}

# say STATE [PERCENT] [MESSAGE]: one try.
say() {
  printf '{"state":"%s"%s%s}' "$1" "${2:+,\"progress\":$2}" "${3:+,\"message\":$(as_json "$3")}" >"$DIR/notify.$$"
  post notify application/json "$DIR/notify.$$"
}

# notify STATE [PERCENT] [MESSAGE]
notify() {
  insist say "$@" || {
    printf 'dodai: the controller did not take %s\n' "$1" >&2
    return 1
  }
}

# Which disks there are, and which one is meant: by the rules of snippets/disks.sh, with what busybox has.

# A line for each disk that could carry an OS, separated by tabs: path, bytes, rotational, transport, serial, WWN, model, then what the
# kernel knows of an NVMe namespace, and all its paths, each list in spaces.
list_disks() {
  local block name properties
  command -v udevadm >/dev/null && udevadm settle --timeout=30 || true
  for block in /sys/block/*; do
    name=${block##*/}
    case $name in ram* | zram* | loop* | fd* | sr* | md* | dm-* | nbd* | mtd* | *boot[0-9] | *boot[0-9][0-9] | '*') continue ;; esac
    [ "$(cat "$block/ro")$(cat "$block/removable")" = 00 ] && [ "$(cat "$block/size")" != 0 ] || continue
    [ "$(transport_of "$block")" != usb ] || continue
    properties=$(udevadm info --query=property --path="$block" 2>/dev/null || true)
    printf '/dev/%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$(($(cat "$block/size") * 512))" "$(cat "$block/queue/rotational")" \
      "$(transport_of "$block")" \
      "$(first_of "$(property SCSI_IDENT_SERIAL)" "$(property ID_SCSI_SERIAL)" "$(property ID_SERIAL_SHORT)" "$(property ID_SERIAL)" "$(attribute serial)")" \
      "$(first_of "$(property ID_WWN_WITH_EXTENSION)" "$(property ID_WWN)" "$(attribute wwid)")" \
      "$(first_of "$(property ID_MODEL)" "$(attribute device/model)" "$(attribute device/name)")" \
      "$(cat "$block/nsid" "$block/nguid" "$block/eui" "$block/uuid" 2>/dev/null | tr -d ' ' | tr '\n' ' ')" \
      "/dev/$name $(property DEVLINKS)"
  done
}

# property NAME: of udev, in the words that it prints.
property() {
  printf '%s\n' "$properties" | sed -n "s/^$1=//p"
}

# attribute NAME, on the disk itself or on what carries it.
attribute() {
  cat "$block/$1" "$block/device/${1#device/}" 2>/dev/null | head -n 1 | tr '\t' ' '
}

first_of() {
  local each
  for each in "$@"; do
    [ -z "$each" ] || { printf '%s' "$each" && return; }
  done
}

# transport_of BLOCK: the word of lsblk, by the way that leads to it.
transport_of() {
  local host
  case $(readlink -f "$1") in
    */usb*) printf usb ;;
    */nvme*) printf nvme ;;
    */mmc_host/*) printf mmc ;;
    */end_device-*) printf sas ;;
    */session[0-9]*) printf iscsi ;;
    */rport-*) printf fc ;;
    */ata[0-9]*)
      host=$(readlink -f "$1/device" | sed 's|.*/\(host[0-9]*\)/.*|\1|')
      case $(cat "/sys/class/scsi_host/$host/proc_name" 2>/dev/null) in *piix* | pata*) printf ata ;; *) printf sata ;; esac
      ;;
    */virtio*/block/*) printf virtio ;;
  esac
}

# choose_disk, disks on standard input: prints the path of the one that is meant and what it is, or why there is none.
choose_disk() {
  awk -F '\t' '
    function plain(text) { text = tolower(text); gsub(/_/, " ", text); gsub(/^ +| +$/, "", text); return text }
    function wwn(text) { text = plain(text); sub(/^0x/, "", text); sub(/^naa\./, "", text); return text }
    function hex(text) { text = plain(text); sub(/^0x/, "", text); sub(/^eui\./, "", text); gsub(/[ -]/, "", text); return text }
    function has(list, wanted, kind, count, each, parts) {
      count = split(list, parts, " ")
      for (each = 1; each <= count; each++) if ((kind == "hex" ? hex(parts[each]) : parts[each]) == wanted) return 1
      return 0
    }
    function add(list, each) { return list == "" ? each : list "; " each }
    BEGIN {
      serial = plain(ENVIRON["HINT_SERIAL"]); name = wwn(ENVIRON["HINT_WWN"]); model = plain(ENVIRON["HINT_MODEL"])
      path = ENVIRON["HINT_PATH"]; least = ENVIRON["HINT_MIN_GB"]; most = ENVIRON["HINT_MAX_GB"]
      rotational = ENVIRON["HINT_ROTATIONAL"]; transport = ENVIRON["HINT_TRANSPORT"]; namespace = hex(ENVIRON["HINT_NAMESPACE"])
      hinted = (serial name model path least most rotational transport namespace) != ""
    }
    {
      shown = $1 " (serial " ($5 == "" ? "none" : $5) ", wwn " ($6 == "" ? "none" : $6) ", model " ($7 == "" ? "none" : $7) ", " $2 " bytes, " ($3 == 1 ? "" : "not ") "rotational)"
      all = add(all, shown)
      if (serial != "" && plain($5) != serial || name != "" && wwn($6) != name || model != "" && plain($7) != model) next
      if (path != "" && !has($9, path)) next
      if (least != "" && $2 < least * 1000000000 || most != "" && $2 > most * 1000000000) next
      if (rotational != "" && (rotational == "true") != ($3 == 1) || transport != "" && $4 != transport) next
      if (namespace != "" && !has($8, namespace, "hex")) next
      matching = add(matching, shown)
      matches++
      if ($2 + 0 < ENVIRON["NEEDED_BYTES"] + 0) next
      order = sprintf("%020.0f %s %s", $2, $5, $1) # %d has 32 bits in busybox
      if (best == "" || order < first) { best = shown; first = order }
    }
    END {
      if (best != "" && (matches == 1 || !hinted)) { print best; exit 0 }
      if (matches == 0) print "no disk matches the root device hint; candidates: " (all == "" ? "there is none" : all)
      else if (best == "") print "no disk has the " ENVIRON["NEEDED_BYTES"] " bytes that the partitions need; candidates: " matching
      else print "more than one disk matches the root device hint: " matching
      exit 1
    }'
}

# What the installer logs goes to the controller while it is written, and tells how far it is.

log_file() {
  local file
  for file in /var/log/YaST2/y2log /tmp/anaconda.log /var/log/installer/subiquity-server-info.log /var/log/syslog; do
    [ ! -f "$file" ] || { printf '%s' "$file" && return; }
  done
}

# Runs in the background, as long as the installer does. A piece that nobody took stays for the next round.
reporter() {
  local log sent=0
  while sleep 3; do
    log=$(log_file)
    [ -n "$log" ] || continue
    tail -c "+$((sent + 1))" "$log" 2>/dev/null | head -c 60000 >"$DIR/piece"
    [ -s "$DIR/piece" ] || continue
    post log text/plain "$DIR/piece" || continue
    sent=$((sent + $(wc -c <"$DIR/piece")))
    tell_of_menu_items || true
  done
}

# The installer of Debian goes through a menu; the others have hooks for it.
tell_of_menu_items() {
  local item
  item=$(sed -n "s/.*Menu item '\([^']*\)' failed.*/\1/p" "$DIR/piece" | tail -n 1)
  [ -z "$item" ] || say failed '' "the step $item of the installer failed: $(grep -v main-menu "$DIR/piece" | tail -n 5)"
  item=$(sed -n "s/.*Menu item '\([^']*\)' selected.*/\1/p" "$DIR/piece" | tail -n 1)
  [ -z "$item" ] || say install "$(percent_of "$item")" "$item"
}

# Nothing for an item that says little.
percent_of() {
  case $1 in
    choose-mirror) printf 2 ;;
    download-installer) printf 4 ;;
    user-setup-udeb) printf 10 ;;
    clock-setup) printf 11 ;;
    disk-detect) printf 12 ;;
    partman-base) printf 14 ;;
    bootstrap-base) printf 20 ;;
    apt-setup-udeb) printf 60 ;;
    pkgsel) printf 65 ;;
    grub-installer) printf 85 ;;
    finish-install) printf 92 ;;
  esac
}

# The installed system within the installer's, and its end: `install_reboot` is said when the disk is closed.

installed_root() {
  local root
  for root in /target /mnt/sysroot /mnt/sysimage /mnt; do
    [ ! -e "$root/etc/passwd" ] || { printf '%s' "$root" && return; }
  done
  failed 'there is no installed system where installers have it'
}

# run_in ROOT COMMAND…: as the installer itself does it, where it has a program for that. Debian's would keep to its log what is printed.
run_in() {
  local root=$1
  shift
  if command -v in-target >/dev/null; then
    in-target --pass-stdout "$@"
  elif command -v curtin >/dev/null; then
    curtin in-target --target="$root" -- "$@"
  else
    chroot "$root" "$@"
  fi
}

HOOKS=/usr/lib/finish-install.d

# Debian's installer goes through a list of hooks that it makes once, and one of them is what calls `finish`: ours has to be there before.
# 95umount closes the disk, and 97release-dhcp-lease leaves the network.
write_hook() {
  [ -d "$HOOKS" ] || return 0
  printf '#!/bin/sh\n[ ! -e %s/finished ] || sh %s end\n' "$DIR" "$SELF" >"$HOOKS/96dodai"
  chmod 755 "$HOOKS/96dodai"
}

# prepare_end ROOT: each installer has another place for what comes last. Debian's has its hooks. Anaconda and Ubuntu's are services of
# systemd, which are stopped while there is network. YaST unmounts, and tells nobody.
prepare_end() {
  if [ -d "$HOOKS" ]; then
    : >"$DIR/finished"
  elif [ -d /run/systemd/system ]; then
    write_end_unit "$1"
  else
    while grep -q " $1 " /proc/mounts; do sleep 1; done && end &
  fi
}

write_end_unit() {
  cat >/run/systemd/system/dodai-end.service <<UNIT
[Unit]
Description=Close the disk and tell dodai
After=network.target NetworkManager.service systemd-networkd.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/bin/sh $SELF close $1
TimeoutStopSec=180
UNIT
  systemctl daemon-reload
  systemctl start dodai-end.service
}

# close ROOT: the installer has ended, and has left it mounted.
close() {
  umount -R "$1" || true
  end
}

end() {
  sync
  notify install_reboot 100 'the OS is installed'
}

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
