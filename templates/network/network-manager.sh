{%- for link in network.links %}
put_file /etc/NetworkManager/system-connections/dodai-{{ link.name }}.nmconnection 600 <<'CONNECTION'
[connection]
id=dodai-{{ link.name }}
type={% if link.type == 'phy' %}ethernet{% else %}{{ link.type }}{% endif %}
{%- if network.namesCards or link.type != 'phy' %}
interface-name={{ link.name }}
{%- endif %}
autoconnect-priority=100
{%- if link.bond != '' %}
master={{ link.bond }}
slave-type=bond
{%- endif %}
{%- if link.type == 'phy' or link.mtu %}

[ethernet]
{%- if link.type == 'phy' %}
mac-address={{ link.mac }}
{%- endif %}
{%- if link.mtu %}
mtu={{ link.mtu }}
{%- endif %}
{%- endif %}
{%- case link.type %}
{%- when 'bond' %}

[bond]
mode={{ link.bondMode }}
miimon={{ link.miimonMs }}
{%- when 'vlan' %}

[vlan]
flags=1
id={{ link.vlanId }}
parent={{ link.parent }}
{%- endcase %}
{%- if link.bond == '' %}

[ipv4]
method={% if link.dhcp4 %}auto{% elsif link.addresses4.size > 0 %}manual{% else %}disabled{% endif %}
{%- if link.dhcp4 %}
dhcp-client-id=mac
{%- if network.namesCards %}
route-metric=2048
{%- endif %}
{%- endif %}
{%- for address in link.addresses4 %}
address{{ forloop.index }}={{ address }}
{%- endfor %}
{%- if link.gateway4 != '' %}
gateway={{ link.gateway4 }}
{%- endif %}
{%- assign number = 0 %}
{%- for route in link.routes %}{% unless route.v6 %}{% assign number = number | plus: 1 %}
route{{ number }}={{ route.to }},{% if route.via == '' %}0.0.0.0{% else %}{{ route.via }}{% endif %}
{%- endunless %}{% endfor %}
{%- render 'network/network-manager-dns.txt', link: link, v6: false %}

[ipv6]
method={% if link.slaac or link.anyIpv6 %}auto{% elsif link.dhcp6 %}dhcp{% elsif link.addresses6.size > 0 %}manual{% else %}link-local{% endif %}
{%- for address in link.addresses6 %}
address{{ forloop.index }}={{ address }}
{%- endfor %}
{%- if link.gateway6 != '' %}
gateway={{ link.gateway6 }}
{%- endif %}
{%- assign number = 0 %}
{%- for route in link.routes %}{% if route.v6 %}{% assign number = number | plus: 1 %}
route{{ number }}={{ route.to }},{{ route.via }}
{%- endif %}{% endfor %}
{%- render 'network/network-manager-dns.txt', link: link, v6: true %}
{%- endif %}
CONNECTION
{%- endfor %}
