# What an OS that waited in the pool has to lose before it is its owner's. Needs what take_owner needs, talk.sh, INSTANCE_ID and TOKEN.

# yes: it has to start anew before it is all its owner's.
NEEDS_START=no
HISTORIES=(.bash_history .zsh_history .python_history .lesshst .viminfo .wget-hsts .ssh/known_hosts .ssh/authorized_keys2)

is_taken() {
  grep --quiet --no-messages --fixed-strings "/v1/instances/$INSTANCE_ID/" /etc/dodai/instance.env
}

# After a loss of power cloud-init would begin with half of what it is to read.
hold_cloud_init() {
  has_program cloud-init || return 0
  if has_cloud_init && [[ -e /etc/dodai/cloud-init || $CONFIG_DRIVE_URL$METADATA_URL ]]; then
    printf '%s\n' "$CLOUD_INIT_OFF" | put_file /etc/cloud/cloud-init.disabled 644
    NEEDS_START=yes
  fi
}

homes() {
  cut -d : -f 6 /etc/passwd | sort -u
}

# Once it is its owner's, what is there is theirs.
forget_owner() {
  local home name
  ! is_taken || return 0
  while read -r home; do
    [[ -d $home && $home != / ]] || continue
    rm -f "$home/.ssh/authorized_keys"
    for name in "${HISTORIES[@]}"; do rm -f "$home/$name"; done
  done < <(homes)
  forget_password
  forget_files
  rm -f /etc/dodai/user-data* /var/log/dodai-user-data.log /etc/systemd/system/{,multi-user.target.wants/}dodai-user-data.service
  rm -f /var/lib/dhcp/*.lease* /var/lib/dhclient/*.lease* /var/lib/NetworkManager/*.lease /var/lib/systemd/random-seed
  [[ $NEEDS_START == no ]] || forget_machine
  forget_cloud_init
  renew_host_keys
}

# As the image has it; without one nobody logs in with it.
forget_password() {
  local name
  name=$(default_account_name)
  if [[ -s /etc/dodai/image-password ]] && grep --quiet "^${name:-root}:" /etc/dodai/image-password; then
    chpasswd --encrypted </etc/dodai/image-password
  else
    printf '%s:!\n' "${name:-root}" | chpasswd --encrypted
  fi
}

# It is made anew when the OS starts.
forget_machine() {
  put_file /etc/machine-id 444 </dev/null
  rm -f /var/lib/dbus/machine-id
}

# All of it, also what its user data has made of the image's own scripts.
forget_cloud_init() {
  has_program cloud-init || return 0
  # What the image itself wants cleaned with it.
  cloud-init clean --logs || true
  clear_cloud_init
  rm -rf /var/lib/cloud/scripts
  [[ ! -d /etc/dodai/image-cloud-scripts ]] || { mkdir -p /var/lib/cloud && cp --archive /etc/dodai/image-cloud-scripts /var/lib/cloud/scripts; }
}

renew_host_keys() {
  rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
  [[ -x /etc/dodai/make-ssh-host-keys && -d /etc/ssh ]] || return 0
  /etc/dodai/make-ssh-host-keys
  systemctl try-restart ssh.service sshd.service 2>/dev/null || true
}

# No image has all of them.
network_files() {
  { cat /etc/udev/rules.d/70-dodai-cards.rules /etc/netplan/90-dodai.yaml /etc/systemd/network/10-dodai-* /etc/network/interfaces \
    /etc/NetworkManager/system-connections/dodai-* /etc/sysconfig/network-scripts/{ifcfg,route,route6}-* 2>/dev/null || true; } |
    sha256sum
}

# Into the partitions that were made for it; without one they are emptied.
take_config_drive() {
  local uuid device found=no
  if [[ -s /etc/dodai/config-drive ]]; then
    while read -r uuid; do
      device=/dev/disk/by-partuuid/$uuid
      [[ -b $device ]] || continue
      dd if=/dev/zero of="$device" bs=1M count=64 conv=notrunc,fsync status=none
      found=yes
      [[ ! $CONFIG_DRIVE_URL ]] || fill_config_drive "$device"
    done </etc/dodai/config-drive
  fi
  [[ ! $CONFIG_DRIVE_URL || $found == yes ]] || fail 'this machine has no partition for a config drive: it has to be installed'
}

fill_config_drive() {
  local file status digest
  file=$(mktemp)
  status=$(ANSWER_HEADERS=$file.headers ask GET "$CONFIG_DRIVE_URL?sectorBytes=$(blockdev --getss "$1")" "$TOKEN" 120 "$file")
  [[ $status == 200 ]] || fail "the controller answered HTTP $status when it was asked for the config drive"
  digest=$(sed -n -E 's|^repr-digest:.*sha-256=:([A-Za-z0-9+/=]+):.*|\1|Ip' "$file.headers" | tail -n 1)
  [[ $(digest_of <"$file") == "$digest" ]] || fail "the config drive that came is another one than was sent (expected SHA-256 $digest)"
  dd if="$file" of="$1" bs=1M conv=notrunc,fsync status=none
  blockdev --flushbufs "$1"
  [[ $(head --bytes="$(stat --format=%s "$file")" "$1" | digest_of) == "$digest" ]] ||
    fail "the config drive was written to $1 and is not there: the disk does not keep what it is given"
  rm -f "$file" "$file.headers"
}

# SHA-256 in base64, with nothing but coreutils.
digest_of() {
  local hex
  hex=$(sha256sum)
  # shellcheck disable=SC2059 # the bytes are the format
  printf "$(sed 's/../\\x&/g' <<<"${hex%% *}")" | base64 --wrap=0
}

# Whoever gets the machine can rely on it.
check_that_nothing_is_left() {
  local left
  ! is_taken || return 0
  left=$(list_what_is_left)
  [[ ! $left ]] || fail "this is still there of the time in the pool: ${left//$'\n'/, }"
}

list_what_is_left() {
  local home name
  while read -r home; do
    [[ -d $home && $home != / ]] || continue
    for name in "${HISTORIES[@]}"; do [[ ! -e $home/$name ]] || printf '%s\n' "$home/$name"; done
    if [[ -e $home/.ssh/authorized_keys ]] && ! has_only_owners_keys "$home/.ssh/authorized_keys"; then
      printf '%s\n' "$home/.ssh/authorized_keys"
    fi
  done < <(homes)
  find /var/lib/cloud/{instance,instances,data,sem} /var/log/cloud-init*.log /var/lib/dhcp/*.lease* -maxdepth 0 2>/dev/null || true
}

has_only_owners_keys() {
  [[ $(sort "$1") == "$(printf '%s\n' "${SSH_KEYS[@]}" | sort)" ]]
}
