# What the installed OS gets: names, keys, mounts, network, and the unit that says `installed`.
# Needs TARGET, the directory where its root is mounted.

# put_file PATH MODE, content on standard input. Replaces a link instead of writing through it.
put_file() {
  install -D --mode="$2" /dev/stdin "$TARGET$1"
}

in_target() {
  chroot "$TARGET" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C SYSTEMD_OFFLINE=1 "$@"
}

has_program() {
  in_target /bin/sh -c 'command -v "$1" >/dev/null' sh "$1"
}

# Images made for dodai have the word HOST where the name belongs.
write_hosts() {
  local hosts=''
  [[ ! -f $TARGET/etc/hosts ]] || hosts=$(sed -e "s/\bHOST\b/$HOST_NAME/g" -e '/^127\.0\.1\.1[[:space:]]/d' "$TARGET/etc/hosts")
  [[ $hosts == *localhost* ]] || hosts=$'127.0.0.1\tlocalhost\n::1\tlocalhost\n'"$hosts"
  printf '%s\n127.0.1.1\t%s %s\n' "$hosts" "$HOST_NAME" "${HOST_NAME%%.*}" | put_file /etc/hosts 644
}

# An identity belongs to one machine: the image's own ones are made anew on the first boot.
forget_identity() {
  put_file /etc/machine-id 444 </dev/null
  rm -f "$TARGET/var/lib/dbus/machine-id" "$TARGET"/etc/ssh/ssh_host_*_key "$TARGET"/etc/ssh/ssh_host_*_key.pub
  rm -f "$TARGET/etc/udev/rules.d/70-persistent-net.rules" "$TARGET/var/lib/systemd/random-seed"
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

enable_unit() {
  mkdir -p "$TARGET/etc/systemd/system/multi-user.target.wants"
  ln -sf "/etc/systemd/system/$1" "$TARGET/etc/systemd/system/multi-user.target.wants/$1"
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

# `installed` is said by the installed OS itself, on its first boot, and again until it is taken.
write_report_unit() {
  put_file /etc/dodai/report-installed 755 <<'SCRIPT'
#!/bin/bash
# Tells the controller that this OS has come up; tries until it is taken, then never again.
set -u
# shellcheck source=/dev/null
. /etc/dodai/instance.env
body='{"state":"installed"}'

with_curl() {
  curl -sS -f -o /dev/null --max-time 20 -H 'Content-Type: application/json' \
    -H @<(printf 'Authorization: Bearer %s' "$NOTIFY_TOKEN") -d "$body" "$NOTIFY_URL"
}

with_python() {
  NOTIFY_URL=$NOTIFY_URL NOTIFY_TOKEN=$NOTIFY_TOKEN python3 - "$body" <<'PYTHON'
import os, sys, urllib.request
headers = {'Content-Type': 'application/json', 'Authorization': 'Bearer ' + os.environ['NOTIFY_TOKEN']}
urllib.request.urlopen(urllib.request.Request(os.environ['NOTIFY_URL'], sys.argv[1].encode(), headers), timeout=20)
PYTHON
}

with_bash() {
  local rest=${NOTIFY_URL#http://} host port answer
  host=${rest%%/*} port=80
  [[ $host == *:* ]] && port=${host##*:}
  exec 3<>"/dev/tcp/${host%:*}/$port" || return 1
  printf 'POST /%s HTTP/1.0\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
    "${rest#*/}" "$host" "$NOTIFY_TOKEN" "${#body}" "$body" >&3
  read -r -t 20 _ answer _ <&3
  exec 3>&-
  [[ $answer == 2?? ]]
}

if command -v curl >/dev/null; then way=with_curl
elif command -v python3 >/dev/null; then way=with_python
else way=with_bash; fi

pause=1
until "$way"; do
  echo "dodai: the controller did not take the report, next try in $pause s"
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
