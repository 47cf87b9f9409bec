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
