# DHCP on the card that the machine was network-booted from, in the words of whatever the image manages its
# network with. Cards are known by MAC address: their names change with slots, kernels and firmware.
# Needs TARGET, PXE_MAC, put_file and in_target.

write_netplan() {
  put_file /etc/netplan/90-dodai.yaml 600 <<YAML
network:
  version: 2
  ethernets:
    dodai-pxe:
      match: { macaddress: "$PXE_MAC" }
      dhcp4: true
      dhcp-identifier: mac
YAML
}

# ifupdown knows cards by name only, so the card is given one.
write_ifupdown() {
  put_file /etc/systemd/network/10-dodai-pxe.link 644 <<LINK
[Match]
MACAddress=$PXE_MAC

[Link]
Name=pxe0
LINK
  put_file /etc/network/interfaces 644 <<'INTERFACES'
auto lo
iface lo inet loopback

auto pxe0
iface pxe0 inet dhcp
INTERFACES
}

# The DHCP server is to see the same client as during the network boot: the MAC address is its identifier.
write_networkd() {
  put_file /etc/systemd/network/10-dodai-pxe.network 644 <<NETWORK
[Match]
MACAddress=$PXE_MAC

[Network]
DHCP=ipv4

[DHCPv4]
ClientIdentifier=mac
UseDomains=yes
NETWORK
  in_target systemctl --quiet enable systemd-networkd.service
}

write_network_manager() {
  put_file /etc/NetworkManager/system-connections/dodai-pxe.nmconnection 600 <<CONNECTION
[connection]
id=dodai-pxe
type=ethernet
autoconnect-priority=100

[ethernet]
mac-address=$PXE_MAC

[ipv4]
method=auto
dhcp-client-id=mac
CONNECTION
  in_target systemctl --quiet enable NetworkManager.service
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

configure_dhcp() {
  if has_program netplan; then
    write_netplan
  elif has_ifupdown; then
    write_ifupdown
  elif has_networkd && ! has_network_manager_enabled; then
    write_networkd
  elif has_program NetworkManager; then
    write_network_manager
  else
    fail 'the image has none of netplan, ifupdown, systemd-networkd and NetworkManager to set up its network with'
  fi
}
