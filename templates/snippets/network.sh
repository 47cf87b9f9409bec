# The network of the installed OS, in the words of whatever the image manages its network with. Cards are known by MAC address:
# their names change with slots, kernels and firmware. What the machine gets is all here; one of it is written.
# Needs TARGET, put_file, in_target and has_program.

write_netplan() {
  put_file /etc/netplan/90-dodai.yaml 600 <<'YAML'
{% render 'network/netplan.yaml', network: network %}
YAML
}

write_ifupdown() {
  put_file /etc/network/interfaces 644 <<'INTERFACES'
{% render 'network/interfaces', network: network %}
INTERFACES
  write_resolv_conf
}

write_networkd() {
{% render 'network/networkd.sh', network: network %}
  write_resolv_conf
  in_target systemctl --quiet enable systemd-networkd.service
}

write_network_manager() {
{% render 'network/network-manager.sh', network: network %}
  in_target systemctl --quiet enable NetworkManager.service
}

write_ifcfg() {
{% render 'network/ifcfg.sh', network: network %}
}

# Where no program makes it from what the others say.
write_resolv_conf() {
  [[ ! -L $TARGET/etc/resolv.conf ]] || return 0
{%- for link in network.links %}{% if link.dnsServers.size > 0 %}
  put_file /etc/resolv.conf 644 <<'RESOLV'
{%- if link.searchDomains.size > 0 %}
search {{ link.searchDomains | join: ' ' | raw }}
{%- endif %}
{%- for server in link.dnsServers %}
nameserver {{ server }}
{%- endfor %}
RESOLV
{%- endif %}{% endfor %}
}

{% if network.namesCards -%}
names_cards=yes
{%- else -%}
names_cards=no
{%- endif %}

# udev gives the names before anything uses the cards. Where others may know a card by its old name it keeps that, if it can.
write_card_names() {
  [[ $names_cards == yes || $1 == ifupdown || $1 == ifcfg ]] || return 0
  put_file /etc/udev/rules.d/70-dodai-cards.rules 644 <<'RULES'
{% render 'network/cards.rules', network: network %}
RULES
}

# An image that was taken from a machine of ours has that one's network.
forget_network() {
  rm -f "$TARGET"/etc/udev/rules.d/70-dodai-cards.rules "$TARGET"/etc/netplan/90-dodai.yaml \
    "$TARGET"/etc/systemd/network/10-dodai-* "$TARGET"/etc/NetworkManager/system-connections/dodai-*
  [[ ! -d $TARGET/etc/sysconfig/network-scripts ]] || forget_ifcfg
}

forget_ifcfg() {
  local file
  for file in $(grep --files-with-matches '^NAME=dodai-' "$TARGET"/etc/sysconfig/network-scripts/ifcfg-* 2>/dev/null); do
    rm -f "$file" "${file/ifcfg-/route-}" "${file/ifcfg-/route6-}"
  done
}

# Other distributions have a program of that name that reads other files.
has_ifupdown() {
  [[ -d $TARGET/etc/network ]] && has_program ifup
}

has_networkd() {
  [[ -x $TARGET/usr/lib/systemd/systemd-networkd || -x $TARGET/lib/systemd/systemd-networkd ]]
}

# networkd may be there beside what manages the network.
has_network_manager_enabled() {
  [[ -L $TARGET/etc/systemd/system/multi-user.target.wants/NetworkManager.service ]]
}

# The scripts of Red Hat's older releases.
has_ifcfg() {
  [[ -d $TARGET/etc/sysconfig/network-scripts ]] && has_program ifup
}

network_manager_of_os() {
  if has_program netplan; then
    printf 'netplan'
  elif has_ifupdown; then
    printf 'ifupdown'
  elif has_networkd && ! has_network_manager_enabled; then
    printf 'networkd'
  elif has_ifcfg && ! has_network_manager_enabled; then
    printf 'ifcfg'
  elif has_program NetworkManager; then
    printf 'network_manager'
  fi
}

configure_network() {
  local manager
  manager=$(network_manager_of_os)
  [[ $manager ]] ||
    fail 'the image has none of netplan, ifupdown, systemd-networkd, NetworkManager and network-scripts to set up its network with'
  forget_network
  write_card_names "$manager"
  "write_$manager"
}
