# Which disks there are, and which one is meant: by the rules of snippets/disks.sh, with what busybox has.

# A line for each disk that could carry an OS, separated by tabs: path, bytes, rotational, transport, serial, WWN, model, then what the
# kernel knows of an NVMe namespace, and all its paths, each list in spaces.
list_disks() {
  local block name properties
  command -v udevadm >/dev/null && udevadm settle --timeout=30 || true
  for block in /sys/block/*; do
    name=${block##*/}
    case $name in ram* | zram* | loop* | fd* | sr* | md* | dm-* | nbd* | mtd* | *boot[0-9] | *boot[0-9][0-9] | '*') continue ;; esac
    [ "$(cat "$block/ro")$(cat "$block/removable")" = 00 ] && [ "$(cat "$block/size")" != 0 ] || continue
    [ "$(transport_of "$block")" != usb ] || continue
    properties=$(udevadm info --query=property --path="$block" 2>/dev/null || true)
    printf '/dev/%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$(($(cat "$block/size") * 512))" "$(cat "$block/queue/rotational")" \
      "$(transport_of "$block")" \
      "$(first_of "$(property SCSI_IDENT_SERIAL)" "$(property ID_SCSI_SERIAL)" "$(property ID_SERIAL_SHORT)" "$(property ID_SERIAL)" "$(attribute serial)")" \
      "$(first_of "$(property ID_WWN_WITH_EXTENSION)" "$(property ID_WWN)" "$(attribute wwid)")" \
      "$(first_of "$(property ID_MODEL)" "$(attribute device/model)" "$(attribute device/name)")" \
      "$(cat "$block/nsid" "$block/nguid" "$block/eui" "$block/uuid" 2>/dev/null | tr -d ' ' | tr '\n' ' ')" \
      "/dev/$name $(property DEVLINKS)"
  done
}

# property NAME: of udev, in the words that it prints.
property() {
  printf '%s\n' "$properties" | sed -n "s/^$1=//p"
}

# attribute NAME, on the disk itself or on what carries it.
attribute() {
  cat "$block/$1" "$block/device/${1#device/}" 2>/dev/null | head -n 1 | tr '\t' ' '
}

first_of() {
  local each
  for each in "$@"; do
    [ -z "$each" ] || { printf '%s' "$each" && return; }
  done
}

# transport_of BLOCK: the word of lsblk, by the way that leads to it.
transport_of() {
  local host
  case $(readlink -f "$1") in
    */usb*) printf usb ;;
    */nvme*) printf nvme ;;
    */mmc_host/*) printf mmc ;;
    */end_device-*) printf sas ;;
    */session[0-9]*) printf iscsi ;;
    */rport-*) printf fc ;;
    */ata[0-9]*)
      host=$(readlink -f "$1/device" | sed 's|.*/\(host[0-9]*\)/.*|\1|')
      case $(cat "/sys/class/scsi_host/$host/proc_name" 2>/dev/null) in *piix* | pata*) printf ata ;; *) printf sata ;; esac
      ;;
    */virtio*/block/*) printf virtio ;;
  esac
}

# choose_disk, disks on standard input: prints the path of the one that is meant and what it is, or why there is none.
choose_disk() {
  awk -F '\t' '
    function plain(text) { text = tolower(text); gsub(/_/, " ", text); gsub(/^ +| +$/, "", text); return text }
    function wwn(text) { text = plain(text); sub(/^0x/, "", text); sub(/^naa\./, "", text); return text }
    function hex(text) { text = plain(text); sub(/^0x/, "", text); sub(/^eui\./, "", text); gsub(/[ -]/, "", text); return text }
    function has(list, wanted, kind, count, each, parts) {
      count = split(list, parts, " ")
      for (each = 1; each <= count; each++) if ((kind == "hex" ? hex(parts[each]) : parts[each]) == wanted) return 1
      return 0
    }
    function add(list, each) { return list == "" ? each : list "; " each }
    BEGIN {
      serial = plain(ENVIRON["HINT_SERIAL"]); name = wwn(ENVIRON["HINT_WWN"]); model = plain(ENVIRON["HINT_MODEL"])
      path = ENVIRON["HINT_PATH"]; least = ENVIRON["HINT_MIN_GB"]; most = ENVIRON["HINT_MAX_GB"]
      rotational = ENVIRON["HINT_ROTATIONAL"]; transport = ENVIRON["HINT_TRANSPORT"]; namespace = hex(ENVIRON["HINT_NAMESPACE"])
      hinted = (serial name model path least most rotational transport namespace) != ""
    }
    {
      shown = $1 " (serial " ($5 == "" ? "none" : $5) ", wwn " ($6 == "" ? "none" : $6) ", model " ($7 == "" ? "none" : $7) ", " $2 " bytes, " ($3 == 1 ? "" : "not ") "rotational)"
      all = add(all, shown)
      if (serial != "" && plain($5) != serial || name != "" && wwn($6) != name || model != "" && plain($7) != model) next
      if (path != "" && !has($9, path)) next
      if (least != "" && $2 < least * 1000000000 || most != "" && $2 > most * 1000000000) next
      if (rotational != "" && (rotational == "true") != ($3 == 1) || transport != "" && $4 != transport) next
      if (namespace != "" && !has($8, namespace, "hex")) next
      matching = add(matching, shown)
      matches++
      if ($2 + 0 < ENVIRON["NEEDED_BYTES"] + 0) next
      order = sprintf("%020.0f %s %s", $2, $5, $1) # %d has 32 bits in busybox
      if (best == "" || order < first) { best = shown; first = order }
    }
    END {
      if (best != "" && (matches == 1 || !hinted)) { print best; exit 0 }
      if (matches == 0) print "no disk matches the root device hint; candidates: " (all == "" ? "there is none" : all)
      else if (best == "") print "no disk has the " ENVIRON["NEEDED_BYTES"] " bytes that the partitions need; candidates: " matching
      else print "more than one disk matches the root device hint: " matching
      exit 1
    }'
}
