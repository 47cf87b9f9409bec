#!/bin/sh
# All of an OS: does what the installers of Ubuntu, Red Hat and SUSE do with the kernel command line, and shows on the console what comes
# of it. It brings up the card of BOOTIF, and fetches its answers from where the command line has them.
set -u
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devices /dev
dmesg -n 1

read -r command_line </proc/cmdline
printf 'words: %s\n' "$command_line"

for module in failover net_failover virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_net; do
  insmod "/modules/$module.ko" || printf 'failed: insmod %s\n' "$module"
done

mac='' files=''
set -f
for word in $command_line; do
  case $word in
    BOOTIF=01-*) mac=$(printf '%s' "${word#BOOTIF=01-}" | tr - :) ;;
    inst.ks=* | autoyast=*) files=${word#*=} ;;
    'ds=nocloud-net;s='*)
      seed=${word#*;s=}
      files="${seed}user-data ${seed}meta-data ${seed}vendor-data"
      ;;
  esac
done
set +f

for card in /sys/class/net/*; do
  [ "$(cat "$card/address")" = "$mac" ] && break
done
ip link set "${card##*/}" up
udhcpc -i "${card##*/}" -n -q -t 20 -s /lease.sh

for url in $files; do
  printf 'file: %s\n' "$url"
  wget -q -O - "$url" || printf 'failed: %s\n' "$url"
  printf '\n'
done
printf 'all files were asked for\n'
exec sleep 1000000
