#!/bin/sh
# Tells dodai how the installation of instance {{ instanceId }} goes:
#   sh notify.sh install | install_reboot | installed | failed [PERCENT] [MESSAGE]
set -eu

INSTANCE_URL={{ controllerUrl }}/v1/instances/{{ instanceId }}
TOKEN={{ token }}
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT

{% render 'netinstall/talk.sh' %}
[ $# -gt 0 ] || {
  echo 'usage: notify.sh STATE [PERCENT] [MESSAGE]' >&2
  exit 2
}
write_authorization
notify "$@"
