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
