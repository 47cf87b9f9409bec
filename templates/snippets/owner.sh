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
