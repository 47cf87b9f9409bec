#!/bin/bash
# Makes this machine instance 6f9619ff-8b86-4d01-b42d-00cf4fc964ff: run by the OS that waited in the resource pool, as root.
# It may be cut short anywhere and run again: it ends the same.
set -Eeuo pipefail

INSTANCE_ID=6f9619ff-8b86-4d01-b42d-00cf4fc964ff
CONTROLLER_URL=http://10.77.0.1:7071
TOKEN=tok_Zm9vYmFy

HOST_NAME=db1.example.org
SSH_KEYS=(
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0 operator@example.org'
)
USER_DATA='#!/bin/sh
echo "it'"'"'s $(hostname)" >/root/hello
'

# Talk with the controller with whatever this OS has for it: curl, else python3, else bash alone.

# ask METHOD URL TOKEN SECONDS FILE [JSON]: prints the HTTP status, 000 when no whole answer came; its body is in FILE.
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
  [[ -z ${6-} ]] || data=(--header 'Content-Type: application/json' --data "$6")
  status=$(curl --silent --show-error --connect-timeout 10 --max-time "$4" --output "$5" --write-out '%{http_code}' \
    --header @<(printf 'Authorization: Bearer %s' "$3") --request "$1" "${data[@]}" "$2") || return 1
  printf '%s' "$status"
}

ask_with_python() {
  TOKEN=$3 python3 - "$1" "$2" "$4" "$5" "${6-}" <<'PYTHON'
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
print(answer.getcode(), end='')
PYTHON
}

ask_with_bash() {
  local rest=${2#http://} body=${6-} host port=80 status line length=''
  host=${rest%%/*}
  [[ $host != *:* ]] || port=${host##*:}
  exec 3<>"/dev/tcp/${host%:*}/$port" || return 1
  printf '%s /%s HTTP/1.0\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
    "$1" "${rest#*/}" "$host" "$3" "${#body}" "$body" >&3
  read -r -t "$4" _ status _ <&3 || return 1
  while read -r -t 20 line <&3 && line=${line%$'\r'} && [[ $line ]]; do
    [[ ${line,,} != content-length:* ]] || length=${line##* }
  done
  timeout 20 cat <&3 >"$5" || return 1
  exec 3>&-
  [[ -z $length || $length == "$(stat --format=%s "$5")" ]] || return 1
  printf '%s' "$status"
}

# say STATE [MESSAGE]: one try to tell the controller, as the instance whose NOTIFY_URL and NOTIFY_TOKEN these are; prints
# the HTTP status.
say() {
  local LC_ALL=C message=${2-}
  message=${message:0:2000}
  message=${message//[^ -~]/ }
  message=${message//\\/\\\\}
  message=${message//\"/\\\"}
  ask POST "$NOTIFY_URL" "$NOTIFY_TOKEN" 20 /dev/null "{\"state\":\"$1\"${message:+,\"message\":\"$message\"}}"
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

# authorize_keys HOME UID GID
authorize_keys() {
  local directory=$TARGET$1/.ssh
  mkdir -p "$directory"
  printf '%s\n' "${SSH_KEYS[@]}" >>"$directory/authorized_keys"
  chmod 700 "$directory"
  chmod 600 "$directory/authorized_keys"
  chown "$2:$3" "$directory" "$directory/authorized_keys"
}

# The first ordinary account of the image, as HOME UID GID; nothing when it has none.
default_account() {
  sort -t : -k 3 -n "$TARGET/etc/passwd" | while IFS=: read -r _ _ uid gid _ home _; do
    if ((uid >= 1000 && uid < 60000)); then
      printf '%s %s %s\n' "$home" "$uid" "$gid"
      break
    fi
  done
}

# for_each_account COMMAND: with HOME UID GID of root, then of the account that people log in as.
for_each_account() {
  local home uid gid
  "$1" /root 0 0
  read -r home uid gid < <(default_account) || return 0
  "$1" "$home" "$uid" "$gid"
}

write_ssh_keys() {
  ((${#SSH_KEYS[@]} == 0)) || for_each_account authorize_keys
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

# ask METHOD URL TOKEN SECONDS FILE [JSON]: prints the HTTP status, 000 when no whole answer came; its body is in FILE.
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
  [[ -z ${6-} ]] || data=(--header 'Content-Type: application/json' --data "$6")
  status=$(curl --silent --show-error --connect-timeout 10 --max-time "$4" --output "$5" --write-out '%{http_code}' \
    --header @<(printf 'Authorization: Bearer %s' "$3") --request "$1" "${data[@]}" "$2") || return 1
  printf '%s' "$status"
}

ask_with_python() {
  TOKEN=$3 python3 - "$1" "$2" "$4" "$5" "${6-}" <<'PYTHON'
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
print(answer.getcode(), end='')
PYTHON
}

ask_with_bash() {
  local rest=${2#http://} body=${6-} host port=80 status line length=''
  host=${rest%%/*}
  [[ $host != *:* ]] || port=${host##*:}
  exec 3<>"/dev/tcp/${host%:*}/$port" || return 1
  printf '%s /%s HTTP/1.0\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
    "$1" "${rest#*/}" "$host" "$3" "${#body}" "$body" >&3
  read -r -t "$4" _ status _ <&3 || return 1
  while read -r -t 20 line <&3 && line=${line%$'\r'} && [[ $line ]]; do
    [[ ${line,,} != content-length:* ]] || length=${line##* }
  done
  timeout 20 cat <&3 >"$5" || return 1
  exec 3>&-
  [[ -z $length || $length == "$(stat --format=%s "$5")" ]] || return 1
  printf '%s' "$status"
}

# say STATE [MESSAGE]: one try to tell the controller, as the instance whose NOTIFY_URL and NOTIFY_TOKEN these are; prints
# the HTTP status.
say() {
  local LC_ALL=C message=${2-}
  message=${message:0:2000}
  message=${message//[^ -~]/ }
  message=${message//\\/\\\\}
  message=${message//\"/\\\"}
  ask POST "$NOTIFY_URL" "$NOTIFY_TOKEN" 20 /dev/null "{\"state\":\"$1\"${message:+,\"message\":\"$message\"}}"
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

# `installed` is said by the installed OS itself, when it first is its owner's, and again until it is taken. The user data
# may end before, so that what it brings is there; one that takes longer goes on, and is not waited for.
write_report_unit() {
  put_file /etc/dodai/report-installed 755 <<'SCRIPT'
#!/bin/bash
# Tells the controller that this OS has come up; tries until it is taken, then never again.
set -u
# shellcheck source=/dev/null
. /etc/dodai/talk.sh
# shellcheck source=/dev/null
. /etc/dodai/instance.env

# What is left of the time in the pool, when that is over.
[[ -e /etc/systemd/system/dodai-await-owner.service ]] || rm -f /etc/dodai/await-owner /etc/dodai/hand-over

message=''
if [[ -e /etc/dodai/user-data ]]; then
  timeout 30 systemctl start dodai-user-data.service
  message='the user data still runs'
  [[ ! -e /etc/dodai/user-data.ended ]] || message="the user data ended with status $(</etc/dodai/user-data.ended)"
fi

pause=1
until status=$(say installed "$message") && [[ $status == 2?? ]]; do
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

TARGET='' STEP='' FAILED=''
INSTANCE_URL=${CONTROLLER_URL%/}/v1/instances/$INSTANCE_ID
NOTIFY_URL=$INSTANCE_URL/notify NOTIFY_TOKEN=$TOKEN

# The controller installs a machine that could not be handed over; until then it waits in the pool again.
report_end() {
  local status=$? attempt
  trap - ERR EXIT
  ((status != 0)) || exit 0
  printf 'dodai: the hand-over failed: %s: %s\n' "$STEP" "$FAILED"
  for attempt in 1 2 4 8 0; do
    [[ $(say failed "hand-over: ${STEP//_/ }: ${FAILED:-ended with status $status}") != 2?? ]] || break
    sleep "$attempt"
  done
  rm -f /etc/dodai/hand-over
  exit "$status"
}

# The kernel is told directly: hostnamectl needs D-Bus, and systemd follows the kernel anyway.
take_host_name() {
  write_host_name /etc/dodai/image-hosts
  printf '%s' "$HOST_NAME" >/proc/sys/kernel/hostname
  # The login prompts on the consoles; not every image has them.
  agetty --reload 2>/dev/null || true
}

forget_keys() {
  rm -f "$1/.ssh/authorized_keys"
}

take_ssh_keys() {
  for_each_account forget_keys
  write_ssh_keys
}

take_identity() {
  write_instance_env
  write_user_data
  write_report_unit
}

# From here on the OS is as one that was installed for its owner, and starts as such.
leave_pool() {
  sync
  rm -f /etc/systemd/system/{,multi-user.target.wants/}dodai-await-owner.service
  systemctl daemon-reload
  systemctl restart --no-block dodai-installed.service
}

trap 'FAILED="command \"$BASH_COMMAND\" ended with status $?"' ERR
trap report_end EXIT
for STEP in take_host_name take_ssh_keys take_identity leave_pool; do "$STEP"; done
printf 'dodai: this machine is now %s, instance %s\n' "$HOST_NAME" "$INSTANCE_ID"
