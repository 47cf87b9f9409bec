#!/bin/bash
# Makes the OS that its own installer has just installed that of instance 6f9619ff-8b86-4d01-b42d-00cf4fc964ff: run within it as root, before its first start.
set -Eeuo pipefail

INSTANCE_ID=6f9619ff-8b86-4d01-b42d-00cf4fc964ff
CONTROLLER_URL=http://10.77.0.1:7071
TOKEN=tok_Zm9vYmFy

IMAGE_ID=0b0e9d6c-3f53-4c7b-9f5e-6b8a2f1f7a11
IMAGE_TYPE=node
HOST_NAME=db1.example.org
PXE_MAC=52:54:00:12:34:56
PXE_IP=10.77.0.21
STORAGE_MAC=''
STORAGE_IP=''
SERVICE_MAC1=''
SERVICE_MAC2=''
SSH_KEYS=(
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0 operator@example.org'
)
USER_DATA='#!/bin/sh
echo "it'"'"'s $(hostname)" >/root/hello
'
PASSWORD_HASH=''
# true: user data that only cloud-init reads.
NEEDS_CLOUD_INIT=false
CONFIG_DRIVE_URL=''
METADATA_URL=''
# What an installer has written never waits in the pool.
POOLED=false
INSTANCE_URL=${CONTROLLER_URL%/}/v1/instances/$INSTANCE_ID
TARGET=''

fail() {
  printf '%s\n' "$*"
  exit 1
}

# For scripts that run in the OS that they change: what elsewhere is done in a mounted root. TARGET is empty.

has_program() {
  command -v "$1" >/dev/null
}

in_target() {
  "$@"
}

# What makes an installed OS its owner's: names and keys. Needs TARGET, the directory where its root is mounted (empty in
# the OS itself), HOST_NAME and SSH_KEYS.

# put_file PATH MODE, content on standard input. Replaces a file or a link wholly or not at all.
put_file() {
  install -D --mode="$2" /dev/stdin "$TARGET$1.new"
  mv --force --no-target-directory "$TARGET$1.new" "$TARGET$1"
}

# write_host_name HOSTS: the image's own /etc/hosts, where images made for dodai have the word HOST where the name belongs.
write_host_name() {
  local hosts=''
  [[ ! -f $1 ]] || hosts=$(sed -e "s/\bHOST\b/$HOST_NAME/g" -e '/^127\.0\.1\.1[[:space:]]/d' "$1")
  [[ $hosts == *localhost* ]] || hosts=$'127.0.0.1\tlocalhost\n::1\tlocalhost\n'"$hosts"
  printf '%s\n127.0.1.1\t%s %s\n' "$hosts" "$HOST_NAME" "${HOST_NAME%%.*}" | put_file /etc/hosts 644
  printf '%s\n' "$HOST_NAME" | put_file /etc/hostname 644
}

# authorize_keys HOME UID GID: besides those that the image has.
authorize_keys() {
  local directory=$TARGET$1/.ssh key
  mkdir -p "$directory"
  for key in "${SSH_KEYS[@]}"; do
    grep --quiet --no-messages --line-regexp --fixed-strings -e "$key" "$directory/authorized_keys" ||
      printf '%s\n' "$key" >>"$directory/authorized_keys"
  done
  chmod 700 "$directory"
  chmod 600 "$directory/authorized_keys"
  chown "$2:$3" "$directory" "$directory/authorized_keys"
}

# The first ordinary account of the image, as HOME UID GID NAME; nothing when it has none.
default_account() {
  sort -t : -k 3 -n "$TARGET/etc/passwd" | while IFS=: read -r name _ uid gid _ home _; do
    if ((uid >= 1000 && uid < 60000)); then
      printf '%s %s %s %s\n' "$home" "$uid" "$gid" "$name"
      break
    fi
  done
}

default_account_name() {
  local name
  read -r _ _ _ name < <(default_account) || return 0
  printf '%s\n' "$name"
}

# for_each_account COMMAND: with HOME UID GID of root, then of the account that people log in as.
for_each_account() {
  local home uid gid
  "$1" /root 0 0
  read -r home uid gid _ < <(default_account) || return 0
  "$1" "$home" "$uid" "$gid"
}

write_ssh_keys() {
  ((${#SSH_KEYS[@]} == 0)) || for_each_account authorize_keys
}

# What an OS needs that has just been written to the disk. Needs TARGET and put_file.

# An identity belongs to one machine: the image's own ones are made anew on the first boot. An image that was taken from a
# machine of ours has what that one was told, too.
forget_identity() {
  put_file /etc/machine-id 444 </dev/null
  rm -f "$TARGET/var/lib/dbus/machine-id" "$TARGET"/etc/ssh/ssh_host_*_key "$TARGET"/etc/ssh/ssh_host_*_key.pub
  rm -f "$TARGET/etc/udev/rules.d/70-persistent-net.rules" "$TARGET/var/lib/systemd/random-seed"
  rm -f "$TARGET"/etc/dodai/user-data* "$TARGET"/etc/dodai/hand-over* "$TARGET"/etc/dodai/image-password \
    "$TARGET"/etc/systemd/system/{,multi-user.target.wants/}dodai-{await-owner,user-data}.service
  rm -rf "$TARGET/etc/dodai/image-cloud-scripts"
}

# ed25519 and ECDSA: an RSA key takes long to find, and clients of today do not ask for it.
write_host_key_unit() {
  put_file /etc/dodai/make-ssh-host-keys 755 <<'SCRIPT'
#!/bin/sh
# An ssh-keygen that knows neither makes what it knows.
for type in ed25519 ecdsa; do
  ssh-keygen -q -N '' -t "$type" -f "/etc/ssh/ssh_host_${type}_key"
done
[ -e /etc/ssh/ssh_host_ed25519_key ] || [ -e /etc/ssh/ssh_host_ecdsa_key ] || ssh-keygen -A
SCRIPT
  put_file /etc/systemd/system/dodai-ssh-host-keys.service 644 <<'UNIT'
[Unit]
Description=Make the SSH host keys of this machine
Before=ssh.service sshd.service
ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key

[Service]
Type=oneshot
ExecStart=/etc/dodai/make-ssh-host-keys

[Install]
WantedBy=multi-user.target
UNIT
  enable_unit dodai-ssh-host-keys.service
}

# What a UEFI firmware starts, and in which order: one entry of ours for each disk that the OS starts from, behind the network.
# On BIOS all of this does nothing.

FIRMWARE_DIR=${FIRMWARE_DIR:-/sys/firmware/efi}
BOOT_ENTRY_LABEL=dodai

# The firmware's entries as efibootmgr shows them: "Boot0001* LABEL<tab>DEVICE PATH", and the line "BootOrder: 0001,0000".
boot_entries() {
  efibootmgr --verbose
}

own_entries() {
  boot_entries | sed -n "s/^Boot\([0-9A-F]\{4\}\)[* ] $BOOT_ENTRY_LABEL\t.*/\1/p"
}

# Cards and HTTP boot; the firmware makes and keeps these entries.
network_entries() {
  boot_entries | sed -n -E 's/^Boot([0-9A-F]{4})[* ] .*(MAC|IPv4|IPv6|Uri)\(.*/\1/p'
}

# The order with these entries right behind the last one that boots from the network; in front where there is none.
order_with() {
  local entry order network front=() back=()
  IFS=, read -r -a order < <(boot_entries | sed -n 's/^BootOrder: //p') || true
  network=$(network_entries)
  for entry in "${order[@]}"; do
    [[ " $* " != *" $entry "* ]] || continue
    back+=("$entry")
    if [[ $'\n'"$network"$'\n' == *$'\n'"$entry"$'\n'* ]]; then
      front+=("${back[@]}")
      back=()
    fi
  done
  printf '%s\n' "${front[@]}" "$@" "${back[@]}" | sed '/^$/d' | paste -sd,
}

# What former installations left goes, wherever it points: a machine is one instance.
remove_boot_entries() {
  local entry
  [[ -d $FIRMWARE_DIR ]] || return 0
  for entry in $(own_entries); do efibootmgr --quiet --bootnum "$entry" --delete-bootnum; done
}

# create_boot_entry LOADER PARTITION
create_boot_entry() {
  local disk number
  disk=$(lsblk --noheadings --nodeps --paths --output PKNAME "$2")
  number=$(cat "/sys/class/block/${2##*/}/partition")
  efibootmgr --quiet --create-only --disk "$disk" --part "$number" --label "$BOOT_ENTRY_LABEL" --loader "$1"
}

write_boot_entries() {
  local loader=$1 partition entries
  shift
  remove_boot_entries || return 1
  for partition in "$@"; do create_boot_entry "$loader" "$partition" || return 1; done
  mapfile -t entries < <(own_entries)
  efibootmgr --quiet --bootorder "$(order_with "${entries[@]}")"
}

# set_boot_entries LOADER PARTITION…: an entry for each system partition, with its loader such as '\EFI\debian\shimx64.efi'.
# The disk starts through the network loader without it too: firmware that takes no entry fails no installation.
set_boot_entries() {
  [[ -d $FIRMWARE_DIR ]] || return 0
  if write_boot_entries "$@"; then
    boot_entries | grep -E "^BootOrder|[* ] $BOOT_ENTRY_LABEL" || true
  else
    printf 'warning: the firmware takes no boot entry; the network loader starts \\EFI\\BOOT\\BOOTX64.EFI of the disk\n'
  fi
}

# What an OS does once as its owner's, after a fresh installation and after a hand-over alike: it runs the user data, then
# says `installed`. Needs TARGET, put_file, INSTANCE_URL, TOKEN and USER_DATA.

enable_unit() {
  mkdir -p "$TARGET/etc/systemd/system/multi-user.target.wants"
  ln -sf "/etc/systemd/system/$1" "$TARGET/etc/systemd/system/multi-user.target.wants/$1"
}

# Whom this OS speaks for, and how.
write_instance_env() {
  put_file /etc/dodai/talk.sh 644 <<'SCRIPT'
# Talk with the controller with whatever this OS has for it: curl, else python3, else bash alone.

# ask METHOD URL TOKEN SECONDS FILE [JSON]: prints the HTTP status, 000 when no whole answer came; its body is in FILE, its headers
# in the file that ANSWER_HEADERS names, if it does.
ask() {
  local way=ask_with_bash
  if command -v curl >/dev/null; then
    way=ask_with_curl
  elif command -v python3 >/dev/null; then
    way=ask_with_python
  fi
  "$way" "$@" || printf '000'
}

ask_with_curl() {
  local status data=()
  [[ -z ${6-} ]] || data=(--header 'Content-Type: application/json' --data-binary @-)
  status=$(curl --silent --show-error --connect-timeout 10 --max-time "$4" --output "$5" --dump-header "${ANSWER_HEADERS:-/dev/null}" --write-out '%{http_code}' \
    --header @<(printf 'Authorization: Bearer %s' "$3") --request "$1" "${data[@]}" "$2" <<<"${6-}") || return 1
  printf '%s' "$status"
}

ask_with_python() {
  TOKEN=$3 ANSWER_HEADERS=${ANSWER_HEADERS-} python3 - "$1" "$2" "$4" "$5" "${6-}" <<'PYTHON'
import os, sys, urllib.error, urllib.request
method, url, seconds, file, body = sys.argv[1:]
headers = {'Content-Type': 'application/json', 'Authorization': 'Bearer ' + os.environ['TOKEN']}
request = urllib.request.Request(url, body.encode() or None, headers, method=method)
try:
    answer = urllib.request.urlopen(request, timeout=float(seconds))
except urllib.error.HTTPError as error:
    answer = error
with open(file, 'wb') as output:
    output.write(answer.read())
with open(os.environ.get('ANSWER_HEADERS') or os.devnull, 'w') as output:
    output.write(str(answer.headers))
print(answer.getcode(), end='')
PYTHON
}

ask_with_bash() {
  local rest=${2#http://} body=${6-} headers=${ANSWER_HEADERS:-/dev/null} host port=80 status line length=''
  host=${rest%%/*}
  [[ $host != *:* ]] || port=${host##*:}
  exec 3<>"/dev/tcp/${host%:*}/$port" || return 1
  printf '%s /%s HTTP/1.0\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
    "$1" "${rest#*/}" "$host" "$3" "${#body}" "$body" >&3
  read -r -t "$4" _ status _ <&3 || return 1
  : >"$headers"
  while read -r -t 20 line <&3 && line=${line%$'\r'} && [[ $line ]]; do
    printf '%s\n' "$line" >>"$headers"
    [[ ${line,,} != content-length:* ]] || length=${line##* }
  done
  timeout 20 cat <&3 >"$5" || return 1
  exec 3>&-
  [[ -z $length || $length == "$(stat --format=%s "$5")" ]] || return 1
  printf '%s' "$status"
}

# say STATE [MESSAGE] [JSON]: one try to tell the controller, as the instance whose NOTIFY_URL and NOTIFY_TOKEN these are; prints
# the HTTP status. The JSON is one more member of the body.
say() {
  local LC_ALL=C message=${2-}
  message=${message:0:2000}
  message=${message//[^ -~]/ }
  message=${message//\\/\\\\}
  message=${message//\"/\\\"}
  ask POST "$NOTIFY_URL" "$NOTIFY_TOKEN" 20 /dev/null "{\"state\":\"$1\"${message:+,\"message\":\"$message\"}${3:+,$3}}"
}

SCRIPT
  printf 'NOTIFY_URL=%q\nNOTIFY_TOKEN=%q\n' "$INSTANCE_URL/notify" "$TOKEN" | put_file /etc/dodai/instance.env 600
}

# The owner's script runs once, and has the machine's whole life to end. It is marked as begun first: one that a power
# failure has cut short is not begun again, since not every script bears that.
write_user_data() {
  [[ $USER_DATA ]] || return 0
  printf '%s' "$USER_DATA" | put_file /etc/dodai/user-data 700
  put_file /etc/dodai/run-user-data 755 <<'SCRIPT'
#!/bin/bash
# Runs the user data of this instance; what it prints is in the journal, on the console and in the log.
set -u
log=/var/log/dodai-user-data.log
(umask 077 && : >>"$log" && : >/etc/dodai/user-data.begun)
sync
status=0
cd / && /etc/dodai/user-data > >(exec tee -p -a "$log") 2>&1 </dev/null || status=$?
printf '%d\n' "$status" >/etc/dodai/user-data.ended
printf 'dodai: the user data ended with status %d\n' "$status"
exit "$status"
SCRIPT
  put_file /etc/systemd/system/dodai-user-data.service 644 <<'UNIT'
[Unit]
Description=Run the user data of this instance
Wants=network-online.target
After=network-online.target dodai-ssh-host-keys.service
ConditionPathExists=!/etc/dodai/user-data.begun

[Service]
Type=oneshot
RemainAfterExit=yes
# What it started goes on.
KillMode=process
Environment=HOME=/root
ExecStart=/etc/dodai/run-user-data
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=multi-user.target
UNIT
  enable_unit dodai-user-data.service
}

# `installed` is said by the installed OS itself, when it first is its owner's, and again until it is taken. cloud-init may end
# before, within ten minutes, and so may user data, within half of one: what they bring is there then. What takes longer goes on, and
# is not waited for. Files get the modes and owners that they were asked for: cloud-init knows neither.
write_report_unit() {
  put_file /etc/dodai/report-installed 755 <<'SCRIPT'
#!/bin/bash
# Tells the controller that this OS has come up; tries until it is taken, then never again.
set -u
# shellcheck source=/dev/null
. /etc/dodai/talk.sh
# shellcheck source=/dev/null
. /etc/dodai/instance.env

# What this OS says of itself when it is done, as JSON made by bash alone: not every image has jq or python.

# json_string TEXT
json_string() {
  local LC_ALL=C text=$1
  text=${text//[^ -~]/ }
  text=${text//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# json_or_null TEXT: null where there is none.
json_or_null() {
  if [[ $1 ]]; then json_string "$1"; else printf 'null'; fi
}

# json_list, lines on standard input.
json_list() {
  local line comma=''
  printf '['
  while IFS= read -r line; do
    printf '%s' "$comma"
    json_string "$line"
    comma=,
  done
  printf ']'
}

# json_from FIRST COMMAND…: what a program prints that knows JSON, when it begins so and is not too much; else null.
json_from() {
  local first=$1 text
  shift
  text=$(timeout 20 "$@" 2>/dev/null | tr -d '\n')
  if [[ $text == "$first"* ]] && ((${#text} < 50000)); then printf '%s' "$text"; else printf 'null'; fi
}

fingerprints_in() {
  ssh-keygen -l -f "$1" 2>/dev/null | sed -n -E 's/^[0-9]+ ([A-Za-z0-9]+:[^ ]+) .*/\1/p'
}

json_of_authorized_keys() {
  local name home comma=''
  printf '{'
  while IFS=: read -r name _ _ _ _ home _; do
    [[ -s $home/.ssh/authorized_keys ]] || continue
    printf '%s' "$comma"
    json_string "$name"
    printf ':'
    fingerprints_in "$home/.ssh/authorized_keys" | json_list
    comma=,
  done </etc/passwd
  printf '}'
}

json_of_host_keys() {
  local file
  for file in /etc/ssh/ssh_host_*_key.pub; do [[ ! -e $file ]] || fingerprints_in "$file"; done | json_list
}

# json_of_file PATH
json_of_file() {
  local sha256='' mode='' owner=''
  if [[ -f $1 ]]; then
    sha256=$(sha256sum -- "$1" | cut -d ' ' -f 1)
    mode=$(stat --format=%a "$1")
    mode=$(printf '%04d' "$mode")
    owner=$(stat --format=%U:%G "$1")
  fi
  printf '{"path":%s,"sha256":%s,"mode":%s,"owner":%s}' "$(json_string "$1")" "$(json_or_null "$sha256")" \
    "$(json_or_null "$mode")" "$(json_or_null "$owner")"
}

# At most as many as the controller takes.
json_of_files() {
  local path comma='' count=0
  printf '['
  if [[ -f /etc/dodai/files ]]; then
    while read -r _ _ path && ((count++ < 200)); do
      printf '%s' "$comma"
      json_of_file "$path"
      comma=,
    done </etc/dodai/files
  fi
  printf ']'
}

json_of_cloud_init() {
  if [[ -e /etc/dodai/cloud-init ]]; then json_from '{' cloud-init status --format json; else printf 'null'; fi
}

guest_report() {
  local ended='' machine_id=''
  [[ ! -e /etc/dodai/user-data.ended ]] || ended=$(</etc/dodai/user-data.ended)
  [[ ! -s /etc/machine-id ]] || machine_id=$(</etc/machine-id)
  printf '{"hostName":%s,"bootId":%s,"machineId":%s,"kernel":%s,"addresses":%s,"authorizedKeys":%s,"hostKeys":%s,' \
    "$(json_string "$(</proc/sys/kernel/hostname)")" "$(json_or_null "$(</proc/sys/kernel/random/boot_id)")" \
    "$(json_or_null "$machine_id")" "$(json_or_null "$(uname -r)")" "$(json_from '[' ip -json address)" \
    "$(json_of_authorized_keys)" "$(json_of_host_keys)"
  printf '"cloudInit":%s,"userDataStatus":%s,"files":%s}' "$(json_of_cloud_init)" "${ended:-null}" "$(json_of_files)"
}

# A hand-over that a loss of power has cut short comes first; after it the OS starts anew.
! grep --quiet --no-messages '^dodai:' /etc/cloud/cloud-init.disabled || exit 0

# What is left of the time in the pool, when that is over.
[[ -e /etc/systemd/system/dodai-await-owner.service ]] || rm -f /etc/dodai/await-owner /etc/dodai/hand-over

message=''
if [[ -e /etc/dodai/user-data ]]; then
  timeout 30 systemctl start dodai-user-data.service
  message='the user data still runs'
  [[ ! -e /etc/dodai/user-data.ended ]] || message="the user data ended with status $(</etc/dodai/user-data.ended)"
fi

if [[ -e /etc/dodai/cloud-init ]]; then
  timeout 600 cloud-init status --wait >/dev/null
  message="cloud-init: $(timeout 20 cloud-init status | head -n 1)"
fi

if [[ -f /etc/dodai/files ]]; then
  while read -r mode owner path; do
    [[ ! -f $path || -L $path ]] || { chown "$owner" "$path" && chmod "$mode" "$path"; } || echo "dodai: $path could not be given to $owner"
  done </etc/dodai/files
fi

report="\"report\":$(guest_report)"
((${#report} < 120000)) || report=''
pause=1
until status=$(say installed "$message" "$report") && [[ $status == 2?? ]]; do
  # Better a word without a report than none.
  [[ $status != 4?? ]] || report=''
  echo "dodai: the controller did not take the report (HTTP $status), next try in $pause s"
  sleep "$pause"
  pause=$((pause < 30 ? pause * 2 : 30))
done
echo 'dodai: reported installed'
systemctl disable dodai-installed.service
SCRIPT
  put_file /etc/systemd/system/dodai-installed.service 644 <<'UNIT'
[Unit]
Description=Tell dodai that this OS is installed
Wants=network-online.target
After=network-online.target ssh.service sshd.service dodai-ssh-host-keys.service

[Service]
ExecStart=/etc/dodai/report-installed
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=multi-user.target
UNIT
  enable_unit dodai-installed.service
}

# What a fresh OS is told of its machine, its instance and its owner to come. Needs what installed-os.sh, fresh-os.sh, first-boot.sh and
# await-owner.sh need, IMAGE_ID, IMAGE_TYPE, POOLED, and the addresses of the machine's cards.

# The next owner's name goes into the image's own file, too.
take_host_name() {
  rm -f "$TARGET/etc/dodai/image-hosts"
  [[ $POOLED != true || ! -f $TARGET/etc/hosts ]] || put_file /etc/dodai/image-hosts 644 <"$TARGET/etc/hosts"
  write_host_name "$TARGET/etc/hosts"
}

# note NAME VALUE: a file of its own under /etc/dodai, when there is a value.
note() {
  [[ -z $2 ]] || printf '%s\n' "$2" | put_file "/etc/dodai/$1" 644
}

write_dodai_files() {
  note image_id "$IMAGE_ID"
  note image_type "$IMAGE_TYPE"
  note pxe_mac "$PXE_MAC"
  note pxe_ip "$PXE_IP"
  note storage_mac "$STORAGE_MAC"
  note storage_ip "$STORAGE_IP"
  note service_mac1 "$SERVICE_MAC1"
  note service_mac2 "$SERVICE_MAC2"
  forget_identity
  if has_program ssh-keygen; then write_host_key_unit; fi
  write_instance_env
  write_report_unit
  [[ $POOLED != true ]] || keep_for_owner
}

# What the image itself has, for its next owner to get it so.
keep_for_owner() {
  local name
  write_await_owner_unit
  name=$(default_account_name)
  sed -n "s/^\(${name:-root}:[^:]*\):.*/\1/p" "$TARGET/etc/shadow" | put_file /etc/dodai/image-password 600
  if [[ -d $TARGET/var/lib/cloud/scripts ]]; then
    rm -rf "$TARGET/etc/dodai/image-cloud-scripts"
    cp --archive "$TARGET/var/lib/cloud/scripts" "$TARGET/etc/dodai/image-cloud-scripts"
  fi
}


# The owner's files by path. /etc/dodai/files lists them, as MODE OWNER PATH, for the OS itself to settle when it is up: owners may
# be accounts that are made only then. Needs TARGET, put_file and in_target.

write_files() {
  put_file /etc/dodai/files 600 </dev/null
}

# write_file PATH MODE OWNER, its content in base64 on standard input. Links of the image lead out of it, as seen from here.
write_file() {
  local parent
  parent=$(realpath --canonicalize-missing "$TARGET/$(dirname "$1")")
  [[ $parent/ == "$TARGET"/* ]] || fail "the file $1 cannot be written: a link of the image leads from there to ${parent}"
  [[ ! -d $TARGET$1 ]] || fail "the file $1 cannot be written: the image has a directory there"
  base64 --decode | put_file "$1" 600
  printf '%s %s %s\n' "$2" "$3" "$1" >>"$TARGET/etc/dodai/files"
  settle_file "$@" 2>/dev/null || true
}

# settle_file PATH MODE OWNER
settle_file() {
  in_target chown --no-dereference "$3" "$1"
  in_target chmod "$2" "$1"
}

# forget_files: those of the owner before.
forget_files() {
  local path
  [[ -f $TARGET/etc/dodai/files ]] || return 0
  while read -r _ _ path; do rm -f "$TARGET$path"; done <"$TARGET/etc/dodai/files"
  rm -f "$TARGET/etc/dodai/files"
}

# An OS with cloud-init is configured by that: from its config drive, or else from the metadata service. Needs TARGET, put_file,
# has_program, CONFIG_DRIVE_URL, METADATA_URL and network.sh.

# Ours, while a machine is handed over: cloud-init must not begin with half of it.
CLOUD_INIT_OFF='dodai: kept off while this machine is handed over'

has_cloud_init() {
  local disabled=$TARGET/etc/cloud/cloud-init.disabled
  has_program cloud-init && [[ ! -e $disabled || $(<"$disabled") == "$CLOUD_INIT_OFF" ]]
}

cloud_init_is_at_work() {
  [[ $CONFIG_DRIVE_URL$METADATA_URL ]] && has_cloud_init
}

configure_cloud_init() {
  clear_cloud_init
  if [[ $CONFIG_DRIVE_URL ]]; then
    printf 'config drive\n' | put_file /etc/dodai/cloud-init 644
    put_file /etc/cloud/cloud.cfg.d/99_dodai.cfg 644 <<'CFG'
datasource_list: [ ConfigDrive ]
CFG
  else
    printf 'metadata service\n' | put_file /etc/dodai/cloud-init 644
    use_metadata_service
  fi
}

# What an earlier boot has left, of the image or of the owner before; the image's own scripts stay.
clear_cloud_init() {
  rm -rf "$TARGET"/var/lib/cloud/{instance,instances,data,sem,handlers,seed} "$TARGET"/var/log/cloud-init*.log
  rm -f "$TARGET"/etc/netplan/50-cloud-init.yaml "$TARGET"/etc/network/interfaces.d/50-cloud-init* \
    "$TARGET"/etc/systemd/network/*cloud-init* "$TARGET"/etc/NetworkManager/system-connections/cloud-init-* \
    "$TARGET"/etc/ssh/sshd_config.d/50-cloud-init.conf
}

# The network is in the configuration itself: the service is reached by it. NoCloud, since cloud-init takes no machine for one of
# OpenStack that does not call itself so in its firmware; what it has read stays read, so that the OS starts without the service too.
use_metadata_service() {
  {
    printf 'datasource_list: [ NoCloud ]\ndatasource: { NoCloud: { seedfrom: "%s/nocloud/" } }\nmanual_cache_clean: true\n' "${METADATA_URL%/}"
    cat <<'CFG'

CFG
  } | put_file /etc/cloud/cloud.cfg.d/99_dodai.cfg 644
}

# What makes an OS its owner's besides its name: files, keys, password, user data and network; or cloud-init, where the image has
# it and it has something to read: then that does all but the files. Needs installed-os.sh, cloud-init.sh, files.sh, network.sh,
# first-boot.sh, PASSWORD_HASH and NEEDS_CLOUD_INIT.

take_owner() {
  check_user_data
  rm -f "$TARGET/etc/dodai/cloud-init" "$TARGET/etc/cloud/cloud.cfg.d/99_dodai.cfg"
  write_files
  if cloud_init_is_at_work; then
    configure_cloud_init
  else
    write_ssh_keys
    write_password
    write_user_data
  fi
}

# Told before the machine starts as something that its owner did not mean.
check_user_data() {
  [[ $NEEDS_CLOUD_INIT == true ]] || return 0
  has_cloud_init || fail "the user data is no script that begins with #!, and the image has no cloud-init to read it: use an image with cloud-init, or a script"
  cloud_init_is_at_work ||
    fail 'the user data takes cloud-init, which has nowhere to read it: spawn with a config drive, or set up the metadata service'
}

# Of the account that people log in as, as with cloud-init; root's only where there is no other. The hash is in no process list.
write_password() {
  local name
  [[ $PASSWORD_HASH ]] || return 0
  name=$(default_account_name)
  printf '%s:%s\n' "${name:-root}" "$PASSWORD_HASH" | in_target chpasswd --encrypted
}

# What the installer of Ubuntu leaves for cloud-init would be done again at the first start.
forget_installer() {
  rm -f /etc/cloud/cloud.cfg.d/{90-installer-network,99-installer}.cfg /etc/cloud/ds-identify.cfg
}

take_network() {
  # As the installer has set it up.
  return 0
}

# By the mark the network loader tells this system partition from those of other disks.
mark_system_partition() {
  [[ ! -d /boot/efi/EFI ]] || printf '%s\n' "$INSTANCE_ID" | put_file /boot/efi/EFI/dodai/instance 644
}

# The installer has put its disk before the network, from which the next installation, or the wipe, is to start.
keep_network_first() {
  local first
  [[ -d $FIRMWARE_DIR ]] && has_program efibootmgr || return 0
  first=$(boot_entries | sed -n 's/^BootOrder: \([0-9A-F]*\).*/\1/p')
  [[ $first && $'\n'$(network_entries)$'\n' != *$'\n'"$first"$'\n'* ]] || return 0
  efibootmgr --quiet --bootorder "$(order_with "$first")"
}

# Files that were made here have the labels of the installer.
relabel() {
  if has_program restorecon; then restorecon -R /etc /root /home; fi
}

trap 'printf "command \"%s\" ended with status %d\n" "$BASH_COMMAND" "$?"' ERR
for step in take_host_name write_dodai_files forget_installer take_owner take_network mark_system_partition relabel; do "$step"; done
keep_network_first || printf 'warning: the boot entries of the firmware stay as they are\n'
