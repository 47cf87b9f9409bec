#!/bin/sh
# For udhcpc: the address that was leased. It and `mask` come in the environment.
# shellcheck disable=SC2154
[ "$1" != bound ] || ip address add "$ip/$mask" dev "$interface"
