{%- for link in network.links %}
put_file /etc/sysconfig/network-scripts/ifcfg-{{ link.name }} 644 <<'IFCFG'
DEVICE={{ link.name }}
NAME=dodai-{{ link.name }}
TYPE={% case link.type %}{% when 'phy' %}Ethernet{% when 'bond' %}Bond{% when 'vlan' %}Vlan{% endcase %}
ONBOOT=yes
BOOTPROTO={% if link.dhcp4 %}dhcp{% else %}none{% endif %}
{%- case link.type %}
{%- when 'phy' %}
HWADDR={{ link.mac }}
{%- if link.bond != '' %}
MASTER={{ link.bond }}
SLAVE=yes
{%- endif %}
{%- when 'bond' %}
BONDING_MASTER=yes
BONDING_OPTS="mode={{ link.bondMode }} miimon={{ link.miimonMs }}"
{%- when 'vlan' %}
VLAN=yes
PHYSDEV={{ link.parent }}
VLAN_ID={{ link.vlanId }}
{%- endcase %}
{%- if link.mtu %}
MTU={{ link.mtu }}
{%- endif %}
{%- if link.dhcp4 and network.namesCards %}
IPV4_ROUTE_METRIC=2048
{%- endif %}
{%- for address in link.addresses4 %}
{%- assign parts = address | split: '/' %}
IPADDR{% unless forloop.first %}{{ forloop.index0 }}{% endunless %}={{ parts[0] }}
PREFIX{% unless forloop.first %}{{ forloop.index0 }}{% endunless %}={{ parts[1] }}
{%- endfor %}
{%- if link.gateway4 != '' %}
GATEWAY={{ link.gateway4 }}
{%- endif %}
{%- for server in link.dnsServers %}
DNS{{ forloop.index }}={{ server }}
{%- endfor %}
{%- if link.searchDomains.size > 0 %}
DOMAIN="{{ link.searchDomains | join: ' ' | raw }}"
{%- endif %}
{%- if link.addresses6.size > 0 or link.slaac or link.dhcp6 %}
IPV6INIT=yes
IPV6_AUTOCONF={% if link.slaac %}yes{% else %}no{% endif %}
{%- if link.dhcp6 %}
DHCPV6C=yes
{%- endif %}
{%- for address in link.addresses6 limit: 1 %}
IPV6ADDR={{ address }}
{%- endfor %}
{%- if link.addresses6.size > 1 %}
IPV6ADDR_SECONDARIES="{% for address in link.addresses6 offset: 1 %}{{ address }}{% unless forloop.last %} {% endunless %}{% endfor %}"
{%- endif %}
{%- if link.gateway6 != '' %}
IPV6_DEFAULTGW={{ link.gateway6 }}
{%- endif %}
{%- endif %}
IFCFG
{%- assign v6 = link.routes | where: 'v6', true %}
{%- assign v4 = link.routes | where: 'v6', false %}
{%- if v4.size > 0 %}
put_file /etc/sysconfig/network-scripts/route-{{ link.name }} 644 <<'ROUTES'
{%- for route in v4 %}
{{ route.to }} {% if route.via == '' %}dev {{ link.name }} scope link{% else %}via {{ route.via }}{% endif %}
{%- endfor %}
ROUTES
{%- endif %}
{%- if v6.size > 0 %}
put_file /etc/sysconfig/network-scripts/route6-{{ link.name }} 644 <<'ROUTES'
{%- for route in v6 %}
{{ route.to }} via {{ route.via }}
{%- endfor %}
ROUTES
{%- endif %}
{%- endfor %}
