# What an OS does once as its owner's, after a fresh installation and after a hand-over alike: it runs the user data, then
# says `installed`. Needs TARGET, put_file, INSTANCE_URL, TOKEN and USER_DATA.

enable_unit() {
  mkdir -p "$TARGET/etc/systemd/system/multi-user.target.wants"
  ln -sf "/etc/systemd/system/$1" "$TARGET/etc/systemd/system/multi-user.target.wants/$1"
}

# Whom this OS speaks for, and how.
write_instance_env() {
  put_file /etc/dodai/talk.sh 644 <<'SCRIPT'
{% render 'snippets/talk.sh' %}
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

{% render 'snippets/guest-report.sh' %}
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
