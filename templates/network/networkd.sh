{%- for link in network.links %}
{%- if link.type != 'phy' %}
put_file /etc/systemd/network/10-dodai-{{ link.name }}.netdev 644 <<'NETDEV'
[NetDev]
Name={{ link.name }}
Kind={{ link.type }}
{%- if link.mtu %}
MTUBytes={{ link.mtu }}
{%- endif %}
{%- if link.type == 'bond' %}

[Bond]
Mode={{ link.bondMode }}
MIIMonitorSec={{ link.miimonMs }}ms
{%- else %}

[VLAN]
Id={{ link.vlanId }}
{%- endif %}
NETDEV
{%- endif %}
put_file /etc/systemd/network/10-dodai-{{ link.name }}.network 644 <<'NETWORK'
[Match]
{% if network.namesCards or link.type != 'phy' %}Name={{ link.name }}{% else %}MACAddress={{ link.mac }}{% endif %}
{%- if link.mtu and link.type == 'phy' %}

[Link]
MTUBytes={{ link.mtu }}
{%- endif %}

[Network]
{%- if link.bond != '' %}
Bond={{ link.bond }}
LinkLocalAddressing=no
{%- else %}
DHCP={% if link.dhcp4 and link.dhcp6 %}yes{% elsif link.dhcp4 %}ipv4{% elsif link.dhcp6 %}ipv6{% else %}no{% endif %}
{%- unless link.anyIpv6 %}
IPv6AcceptRA={% if link.slaac or link.dhcp6 %}yes{% else %}no{% endif %}
{%- endunless %}
{%- assign addresses = link.addresses4 | concat: link.addresses6 %}
{%- for address in addresses %}
Address={{ address }}
{%- endfor %}
{%- for server in link.dnsServers %}
DNS={{ server }}
{%- endfor %}
{%- if link.searchDomains.size > 0 %}
Domains={{ link.searchDomains | join: ' ' | raw }}
{%- endif %}
{%- for vlan in link.vlans %}
VLAN={{ vlan }}
{%- endfor %}
{%- if link.gateway4 != '' %}

[Route]
Gateway={{ link.gateway4 }}
{%- endif %}
{%- if link.gateway6 != '' %}

[Route]
Gateway={{ link.gateway6 }}
{%- endif %}
{%- for route in link.routes %}

[Route]
Destination={{ route.to }}
{% if route.via == '' %}Scope=link{% else %}Gateway={{ route.via }}{% endif %}
{%- endfor %}
{%- if link.dhcp4 %}

# The DHCP server is to see the same client as during the network boot: the MAC address is its identifier.
[DHCPv4]
ClientIdentifier=mac
UseDomains=yes
{%- endif %}
{%- endif %}
NETWORK
{%- endfor %}
