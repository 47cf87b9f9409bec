#!/usr/bin/env bash
# Builds the Debian demo image in the three forms that can be installed: its file system, a whole disk, a tarball; or as what
# runs in memory; and a JSON file that describes the first of them. Does nothing when OUTDIR already holds an image of the same inputs.
set -euo pipefail
umask 022
export LC_ALL=C

readonly SUITE=bookworm ARCH=amd64
export DEFAULT_USER=debian
# What GRUB of every Debian since 10 can read, whatever the building host's e2fsprogs would choose.
readonly EXT4_FEATURES=none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum
readonly JOURNAL_MIB=16 SPARE_MIB=12
# The label that the whole disk's boot loaders find its root by.
readonly ROOT_LABEL=demo-root
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here

usage() {
  cat <<'TEXT'
Usage: build.sh [--force] [--with-cloud-init | --live] OUTDIR
  Writes OUTDIR/debian-demo.ext4.zst, debian-demo.qcow2, debian-demo.tar.zst, debian-demo.json and inputs.sha256.
  --force             build even if OUTDIR holds an image of the same inputs (to take up newer Debian packages)
  --with-cloud-init   an image that cloud-init configures, in its file system only
  --live              the same as a system that runs in memory: OUTDIR/debian-live.tar, with what a machine starts it from
                      over the network (vmlinuz, initrd.img, filesystem.squashfs), and debian-live.json
Environment:
  DODAI_DEBIAN_MIRROR   archive to fetch Debian from (default: the one the host's apt uses, else mmdebstrap's own)
TEXT
}

say() { printf 'demo-image: [%3ds] %s\n' "$SECONDS" "$*"; }

fail() {
  printf 'demo-image: error: %s\n' "$1" >&2
  exit 1
}

is_live() { [ "$variant" = live ]; }
has_cloud_init() { [ "$variant" = cloud-init ] || is_live; }

list_of() { sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$here/$1"; }

hash_of_inputs() {
  (printf '%s\n' "$variant" && cd "$here" && find . -type f -printf '%m %p\n' -exec sha256sum {} + | sort) | sha256sum | cut -d' ' -f1
}

check_host() {
  local command commands='mmdebstrap zstd mke2fs sgdisk mcopy mkfs.vfat qemu-img jq flock'
  ! is_live || commands='mmdebstrap mksquashfs jq flock'
  [ "$(id -u)" = 0 ] || fail 'building the demo image needs root: run it again with sudo'
  [ "$(dpkg --print-architecture)" = "$ARCH" ] || fail "the demo image is built on $ARCH hosts"
  for command in $commands; do
    command -v "$command" >/dev/null || fail "the command $command is missing: install it with apt-get"
  done
}

# The archive that the host's apt uses for packages of a Debian label, or nothing.
host_mirror() {
  # shellcheck disable=SC2016 # apt expands these
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -F'|' -v label="$1" '$1 == "Debian" && $2 == label {print $3; exit}'
}

# Sets "sources": apt lines for mmdebstrap; empty: its own default.
find_sources() {
  local main security keyring
  main=${DODAI_DEBIAN_MIRROR:-$(host_mirror Debian)}
  security=$(host_mirror Debian-Security)
  sources=()
  [ -n "$main" ] || return 0
  keyring=$(find /usr/share/keyrings -name 'debian-archive-keyring.[gp][pg][gp]' | sort | head -n 1)
  [ -n "$keyring" ] || fail 'Debian archive keys are missing: install debian-archive-keyring with apt-get'
  sources=("deb [signed-by=$keyring] $main $SUITE main" "deb [signed-by=$keyring] $main $SUITE-updates main")
  [ -z "$security" ] || sources+=("deb [signed-by=$keyring] $security $SUITE-security main")
}

# The host's proxy settings, and what dpkg leaves out, as options for mmdebstrap.
apt_options() {
  apt-config dump | sed -nE 's/^(Acquire::https?::Proxy) "(.+)";$/--aptopt=\1 "\2"/p'
  list_of files.txt | sed -e 's/^-/--dpkgopt=path-exclude=/' -e 's/^+/--dpkgopt=path-include=/'
}

# Runs before anything is there. A system that is merged from the start needs no usrmerge, which brings all of perl.
write_start_script() {
  cat >"$work/start" <<'SCRIPT'
#!/bin/sh
set -e
for directory in bin lib lib64 sbin; do
  mkdir -p "$1/usr/$directory"
  ln -s "usr/$directory" "$1/$directory"
done
mkdir -p "$1/etc/apt/preferences.d"
printf 'Package: usrmerge\nPin: release *\nPin-Priority: -1\n' >"$1/etc/apt/preferences.d/usrmerge"
SCRIPT
  chmod +x "$work/start"
}

# Runs in the new system once everything is installed.
write_finish_script() {
  cat >"$work/finish" <<'SCRIPT'
#!/bin/sh
set -e
root=$1
# cloud-init makes it itself; there are no locales that it could generate.
[ ! -d "$root/etc/cloud/cloud.cfg.d" ] || printf 'locale: C.UTF-8\n' >"$root/etc/cloud/cloud.cfg.d/20_demo.cfg"
[ -e "$root/usr/bin/cloud-init" ] || chroot "$root" useradd --create-home --shell /bin/bash --groups sudo "$DEFAULT_USER"
chmod 440 "$root/etc/sudoers.d/debian"
mkdir -p "$root/boot/grub"
# What GRUB would look for in vain, slowly: themes, Xen, other systems, UEFI.
chmod -x "$root"/etc/grub.d/05_debian_theme "$root"/etc/grub.d/20_linux_xen "$root"/etc/grub.d/30_*
# Housekeeping that a machine made to be tried out does without.
chroot "$root" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
  e2scrub_reap.service fstrim.timer systemd-pstore.service
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id" "$root/etc/hostname"
: >"$root/etc/machine-id"
printf '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n' >"$root/etc/hosts"
find "$root"/usr/lib/modules -type d -empty -delete
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log "$root"/var/log/apt/*
SCRIPT
  chmod +x "$work/finish"
}

install_packages() {
  local options packages lists=(packages.txt)
  ! has_cloud_init || lists+=(packages-cloud-init.txt)
  ! is_live || lists+=(packages-live.txt)
  mapfile -t options < <(apt_options)
  packages=$(for list in "${lists[@]}"; do list_of "$list"; done | paste -sd,)
  write_start_script
  write_finish_script
  # shellcheck disable=SC2016 # mmdebstrap expands $1
  mmdebstrap --mode=root --variant=minbase --components=main --architectures="$ARCH" \
    "${options[@]}" --dpkgopt=force-unsafe-io --dpkgopt=force-confold --include="$packages" \
    --setup-hook="'$work/start' \"\$1\"" \
    --essential-hook='cp -a --no-preserve=ownership '"'$here'"'/rootfs/. "$1/"' \
    --customize-hook="'$work/finish' \"\$1\"" \
    "$SUITE" "$work/root" "${sources[@]}" >"$work/log" 2>&1 &
  wait $! || { tail -n 20 "$work/log" >&2 && fail 'the Debian packages could not be installed, see above'; }
}

# As small as the files allow, and a little more: the installer grows it to its partition.
make_file_system() {
  local image=$work/out/debian-demo.ext4 used_kib percent
  used_kib=$(du -sk "$work/root" | cut -f1)
  for percent in 104 108 112 120; do
    rm -f "$image"
    truncate --size="$((used_kib * percent / 100 / 1024 + JOURNAL_MIB + SPARE_MIB))M" "$image"
    mke2fs -q -t ext4 -b 4096 -O "$EXT4_FEATURES" -J size="$JOURNAL_MIB" -m 1 -d "$work/root" "$image" 2>"$work/log" &&
      return 0
  done
  cat "$work/log" >&2
  fail 'the file system could not be made, see above'
}

# On the disk as an installation of Debian leaves it: GRUB for BIOS, and the signed chain for UEFI. Root is last, to grow.
readonly BIOS_BOOT_MIB=1 ESP_MIB=64
readonly ESP_AT_MIB=$((1 + BIOS_BOOT_MIB))
readonly ROOT_AT_MIB=$((ESP_AT_MIB + ESP_MIB))

make_disk() {
  local disk=$work/disk file_system=$work/disk-root root_mib
  write_boot_files
  cp --sparse=always "$work/out/debian-demo.ext4" "$file_system"
  tune2fs -L "$ROOT_LABEL" "$file_system" >/dev/null
  write_into "$file_system" "$work/grub.cfg" /boot/grub/grub.cfg
  write_into "$file_system" "$work/fstab" /etc/fstab
  e2fsck -f -n "$file_system" >"$work/log" 2>&1 || { cat "$work/log" >&2 && fail 'the root of the whole disk is damaged, see above'; }
  root_mib=$(($(stat -c %s "$file_system") >> 20))
  truncate --size="$((ROOT_AT_MIB + root_mib + 1))M" "$disk"
  sgdisk --clear --new="1:1M:+${BIOS_BOOT_MIB}M" --typecode=1:EF02 --change-name=1:bios-boot \
    --new="2:${ESP_AT_MIB}M:+${ESP_MIB}M" --typecode=2:EF00 --change-name=2:esp \
    --new="3:${ROOT_AT_MIB}M:+${root_mib}M" --typecode=3:8300 --change-name=3:root "$disk" >/dev/null
  install_bios_grub "$disk"
  make_esp "$work/esp"
  dd if="$work/esp" of="$disk" bs=1M seek="$ESP_AT_MIB" conv=sparse,notrunc status=none
  dd if="$file_system" of="$disk" bs=1M seek="$ROOT_AT_MIB" conv=sparse,notrunc status=none
  qemu-img convert -f raw -O qcow2 -c -o compression_type=zstd "$disk" "$work/out/debian-demo.qcow2"
  rm "$disk" "$file_system" "$work/esp"
}

write_boot_files() {
  cat >"$work/grub.cfg" <<CFG
set timeout=1
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
search --no-floppy --label --set=root $ROOT_LABEL
menuentry 'Debian' {
  linux /vmlinuz root=LABEL=$ROOT_LABEL ro console=tty0 console=ttyS0,115200n8
  initrd /initrd.img
}
CFG
  printf 'LABEL=%s / ext4 errors=remount-ro 0 1\n' "$ROOT_LABEL" >"$work/fstab"
  # What the signed GRUB reads beside itself.
  # shellcheck disable=SC2016 # GRUB expands these
  printf 'search --no-floppy --label --set=root %s\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n' \
    "$ROOT_LABEL" >"$work/esp.cfg"
}

# write_into FILE_SYSTEM FILE PATH: an unmounted ext file system gets the file under the path, root's own. Its folder is there.
write_into() {
  debugfs -w -f - "$1" >"$work/log" 2>&1 <<COMMANDS
rm $3
write $2 $3
set_inode_field $3 mode 0100644
COMMANDS
  [ "$(debugfs -R "cat $3" "$1" 2>/dev/null)" = "$(cat "$2")" ] || { cat "$work/log" >&2 && fail "$3 could not be written"; }
}

# What grub-bios-setup would do, on a disk that is a file (GRUB, grub-core/boot/i386/pc/{boot,diskboot}.S): the sector
# of the core image goes into the boot sector (8 bytes at 0x5c) and the sector after it into the core image's own list
# (8 bytes at 0x1f4).
install_bios_grub() {
  local modules=$work/root/usr/lib/grub/i386-pc core_sector=2048
  chroot "$work/root" grub-mkimage --format=i386-pc --output=/tmp/core.img --prefix='(hd0,gpt3)/boot/grub' \
    biosdisk part_gpt ext2 search search_label normal configfile linux serial terminal echo
  dd if="$modules/boot.img" of="$1" bs=440 count=1 conv=notrunc status=none
  dd if="$work/root/tmp/core.img" of="$1" bs=512 seek="$core_sector" conv=notrunc status=none
  put_sector "$1" $((0x5c)) "$core_sector"
  put_sector "$1" $((core_sector * 512 + 0x1f4)) $((core_sector + 1))
  rm "$work/root/tmp/core.img"
}

# put_sector DISK OFFSET SECTOR: eight bytes, the least significant first.
put_sector() {
  local bytes='' place
  for place in 0 8 16 24 32 40 48 56; do bytes+=$(printf '\\x%02x' $(($3 >> place & 255))); done
  # shellcheck disable=SC2059 # the bytes are the format
  printf "$bytes" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

make_esp() {
  truncate --size="${ESP_MIB}M" "$1"
  mkfs.vfat -n ESP "$1" >/dev/null
  mmd -i "$1" ::EFI ::EFI/BOOT ::EFI/debian
  mcopy -i "$1" "$work/root/usr/lib/shim/shimx64.efi.signed" ::EFI/BOOT/BOOTX64.EFI
  mcopy -i "$1" "$work/root/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" ::EFI/BOOT/grubx64.efi
  mcopy -i "$1" "$work/esp.cfg" ::EFI/debian/grub.cfg
}

make_tarball() {
  tar --create --numeric-owner --xattrs --sort=name --directory="$work/root" --exclude='./tmp/*' --exclude='./dev/*' . |
    zstd -q -T0 -3 -o "$work/out/debian-demo.tar.zst"
}

make_other_forms() {
  say 'making the whole disk and the tarball'
  make_disk
  make_tarball
}

# What a machine that runs it has in memory: kernel and initrd, of which the initrd (live-boot) fetches the rest.
make_live() {
  local tree=$work/live
  mkdir "$tree"
  cp -L "$work/root/vmlinuz" "$work/root/initrd.img" "$tree/"
  mksquashfs "$work/root" "$tree/filesystem.squashfs" -comp zstd -Xcompression-level 6 -noappend -quiet -no-progress \
    -wildcards -e 'boot/*' 'tmp/*' 'dev/*' >"$work/log" 2>&1 || { cat "$work/log" >&2 && fail 'the squashfs could not be made, see above'; }
  tar --create --owner=0 --group=0 --numeric-owner --sort=name --directory="$tree" --file="$work/out/debian-live.tar" .
  describe debian-live.tar debian-live.json "$(stat -c %s "$work/out/debian-live.tar")"
}

compress_and_describe() {
  local image=$work/out/debian-demo.ext4
  zstd -q -T0 -3 -o "$image.zst" "$image"
  describe debian-demo.ext4.zst debian-demo.json "$(stat -c %s "$image")"
  rm "$image"
}

# describe FILE JSON UNCOMPRESSED_BYTES
describe() {
  local file=$work/out/$1
  jq --null-input --arg sha256 "$(sha256sum "$file" | cut -d' ' -f1)" --arg os "Debian $(cat "$work/root/etc/debian_version")" \
    --argjson compressedBytes "$(stat -c %s "$file")" --argjson uncompressedBytes "$3" \
    --arg arch "$ARCH" --arg defaultUser "$DEFAULT_USER" \
    '{$sha256, $compressedBytes, $uncompressedBytes, $os, $arch, $defaultUser}' >"$work/out/$2"
}

# The hash goes last: without it, whatever is in the folder does not count as built.
publish() {
  rm -f "$outdir/inputs.sha256"
  mv -f "$work"/out/* "$outdir/"
  printf '%s\n' "$wanted" >"$work/inputs.sha256"
  mv "$work/inputs.sha256" "$outdir/inputs.sha256"
}

remove_work() {
  local jobs
  mapfile -t jobs < <(jobs -p)
  if [ "${#jobs[@]}" -gt 0 ]; then
    kill "${jobs[@]}" 2>/dev/null || true
    wait
  fi
  rm -rf --one-file-system "$work"
}

main() {
  local force=no
  variant=plain
  [ "${1-}" != --force ] || { force=yes && shift; }
  case ${1-} in
    --with-cloud-init) variant=cloud-init && shift ;;
    --live) variant=live && shift ;;
  esac
  if [ $# != 1 ] || [ "${1#-}" != "$1" ]; then
    usage >&2
    exit 2
  fi
  mkdir -p "$1"
  outdir=$(cd "$1" && pwd)
  wanted=$(hash_of_inputs)
  exec 9<"$outdir"
  flock --nonblock 9 || { say "another build into $outdir is running, waiting for it" && flock 9; }
  if [ "$force" = no ] && [ "$wanted" = "$(cat "$outdir/inputs.sha256" 2>/dev/null)" ]; then
    say "up to date in $outdir"
    exit 0
  fi
  check_host
  rm -rf --one-file-system "$outdir"/.build.*
  work=$(mktemp -d "$outdir/.build.XXXXXX")
  trap remove_work EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  mkdir "$work/out"
  find_sources
  say "installing Debian $SUITE into a folder"
  install_packages
  if is_live; then
    say 'packing it to run in memory'
    make_live
  else
    make_installable
  fi
  publish
  say "done in $SECONDS s: $(jq --raw-output .compressedBytes "$outdir"/debian-*.json | numfmt --to=iec)B compressed"
}

make_installable() {
  say 'making the file system'
  make_file_system
  has_cloud_init || make_other_forms
  compress_and_describe
}

main "$@"
