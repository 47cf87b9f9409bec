# What a UEFI firmware starts, and in which order: one entry of ours for each disk that the OS starts from, behind the network.
# On BIOS all of this does nothing.

FIRMWARE_DIR=${FIRMWARE_DIR:-/sys/firmware/efi}
BOOT_ENTRY_LABEL=dodai

# The firmware's entries as efibootmgr shows them: "Boot0001* LABEL<tab>DEVICE PATH", and the line "BootOrder: 0001,0000".
boot_entries() {
  efibootmgr --verbose
}

own_entries() {
  boot_entries | sed -n "s/^Boot\([0-9A-F]\{4\}\)[* ] $BOOT_ENTRY_LABEL\t.*/\1/p"
}

# Cards and HTTP boot; the firmware makes and keeps these entries.
network_entries() {
  boot_entries | sed -n -E 's/^Boot([0-9A-F]{4})[* ] .*(MAC|IPv4|IPv6|Uri)\(.*/\1/p'
}

# The order with these entries right behind the last one that boots from the network; in front where there is none.
order_with() {
  local entry order network front=() back=()
  IFS=, read -r -a order < <(boot_entries | sed -n 's/^BootOrder: //p') || true
  network=$(network_entries)
  for entry in "${order[@]}"; do
    [[ " $* " != *" $entry "* ]] || continue
    back+=("$entry")
    if [[ $'\n'"$network"$'\n' == *$'\n'"$entry"$'\n'* ]]; then
      front+=("${back[@]}")
      back=()
    fi
  done
  printf '%s\n' "${front[@]}" "$@" "${back[@]}" | sed '/^$/d' | paste -sd,
}

# What former installations left goes, wherever it points: a machine is one instance.
remove_boot_entries() {
  local entry
  [[ -d $FIRMWARE_DIR ]] || return 0
  for entry in $(own_entries); do efibootmgr --quiet --bootnum "$entry" --delete-bootnum; done
}

# create_boot_entry LOADER PARTITION
create_boot_entry() {
  local disk number
  disk=$(lsblk --noheadings --nodeps --paths --output PKNAME "$2")
  number=$(cat "/sys/class/block/${2##*/}/partition")
  efibootmgr --quiet --create-only --disk "$disk" --part "$number" --label "$BOOT_ENTRY_LABEL" --loader "$1"
}

write_boot_entries() {
  local loader=$1 partition entries
  shift
  remove_boot_entries || return 1
  for partition in "$@"; do create_boot_entry "$loader" "$partition" || return 1; done
  mapfile -t entries < <(own_entries)
  efibootmgr --quiet --bootorder "$(order_with "${entries[@]}")"
}

# set_boot_entries LOADER PARTITION…: an entry for each system partition, with its loader such as '\EFI\debian\shimx64.efi'.
# The disk starts through the network loader without it too: firmware that takes no entry fails no installation.
set_boot_entries() {
  [[ -d $FIRMWARE_DIR ]] || return 0
  if write_boot_entries "$@"; then
    boot_entries | grep -E "^BootOrder|[* ] $BOOT_ENTRY_LABEL" || true
  else
    printf 'warning: the firmware takes no boot entry; the network loader starts \\EFI\\BOOT\\BOOTX64.EFI of the disk\n'
  fi
}
