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
{%- if network %}
  forget_network
{%- endif %}
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
{%- if network %}
  write_card_names cloud_init
{%- endif %}
  {
    printf 'datasource_list: [ NoCloud ]\ndatasource: { NoCloud: { seedfrom: "%s/nocloud/" } }\nmanual_cache_clean: true\n' "${METADATA_URL%/}"
    cat <<'CFG'
{% if network %}{% render 'network/netplan.yaml', network: network %}{% endif %}
CFG
  } | put_file /etc/cloud/cloud.cfg.d/99_dodai.cfg 644
}
