# Erases disks by commands of their own, which reach what no write reaches: NVMe Format and Sanitize, ATA Security Erase.

# Of an erase of ours alone: the disk forgets it when it is erased. An erase that was cut short is carried out with it later.
ATA_PASSWORD=dodai

# secure_erase_method DISK: prints the method that this disk knows, or fails with what to choose instead.
secure_erase_method() {
  case $1 in
    /dev/nvme*) nvme id-ctrl "$1" --output-format=json | nvme_method "$1" ;;
    *) { hdparm -I "$1" 2>/dev/null || true; } | ata_security | ata_method "$1" ;;
  esac
}

# nvme_method DISK, the controller's identity as JSON on standard input. OACS bit 1: it formats; FNA bit 2: also by a new key;
# SANICAP: it sanitizes by a new key (bit 0), by erasing blocks (bit 1), by overwriting (bit 2). NVMe base specification 2.0, 5.17.2.1.
nvme_method() {
  local method
  method=$(jq --raw-output '
    def has(bit): ((. // 0) / bit | floor) % 2 == 1;
    if .oacs | has(2) then (if .fna | has(4) then "nvme_format_crypto" else "nvme_format" end)
    elif .sanicap | has(2) then "nvme_sanitize_block"
    elif .sanicap | has(1) then "nvme_sanitize_crypto"
    elif .sanicap | has(4) then "nvme_sanitize_overwrite"
    else "" end')
  [[ $method ]] || fail "$1 has no secure erase: its NVMe controller can neither format nor sanitize; its instance type needs wipe mode overwrite or discard"
  printf '%s\n' "$method"
}

# As it is formatted now: sector size, metadata and protection stay. The namespace's identity as JSON on standard input.
nvme_format_options() {
  jq --raw-output '"--lbaf=\(.flbas % 16) --ms=\(.flbas / 16 | floor % 2) --pi=\(.dps % 8) --pil=\(.dps / 8 | floor % 2)"'
}

nvme_format() {
  local options ses=1
  [[ $2 != nvme_format_crypto ]] || ses=2
  options=$(nvme id-ns "$1" --output-format=json | nvme_format_options)
  # shellcheck disable=SC2086 # several options
  carry_out "$1" 0 nvme format "$1" --ses=$ses $options --timeout=86400000 --force || fail "$1 did not take the NVMe format: retry, choose wipe mode overwrite, or replace it"
  reread_partitions "$1"
}

nvme_sanitize() {
  local -A actions=([nvme_sanitize_block]=2 [nvme_sanitize_overwrite]=3 [nvme_sanitize_crypto]=4)
  local size sanitized state
  size=$(blockdev --getsize64 "$1")
  carry_out "$1" 0 nvme sanitize "$1" --sanact="${actions[$2]}" || fail "$1 did not take the NVMe sanitize: retry, choose wipe mode overwrite, or replace it"
  while read -r sanitized state < <(nvme get-log "$1" --log-id=0x81 --log-len=20 --raw-binary | sanitize_state); do
    note_wiped "$1" "$(share_of "$size" "$sanitized" 65536)"
    case $state in
      done) return 0 ;;
      failed) fail "$1 says that its NVMe sanitize failed: replace it" ;;
    esac
    sleep 1
  done
  fail "$1 does not say how its NVMe sanitize goes"
}

# The sanitize status log on standard input: prints how far it is, in 65536ths, and running, done or failed.
# Bytes 0-1: progress; 2-3, bits 2:0: 0 never, 1 and 4 done, 2 under way, 3 failed. NVMe base specification 2.0, 5.16.1.23.
sanitize_state() {
  local words
  mapfile -t words < <(od --address-radix=n --format=u2 --endian=little --width=2 --read-bytes=4)
  ((${#words[@]} == 2)) || return 1
  case $((words[1] % 8)) in
    1 | 4) printf '%d done\n' "${words[0]}" ;;
    2) printf '%d running\n' "${words[0]}" ;;
    *) printf '%d failed\n' "${words[0]}" ;;
  esac
}

# What `hdparm -I` says of a disk's security, on standard input: words, one a line, and the minutes that each erase takes.
ata_security() {
  awk '
    /^Security:/ { inside = 1; next }
    /^[^ \t]/ { inside = 0 }
    inside {
      gsub(/[ \t]+/, " "); sub(/^ /, ""); sub(/ $/, "")
      if ($0 ~ /^(supported|enabled|locked|frozen)$/) print
      if ($0 == "supported: enhanced erase") print "enhanced"
      for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+min$/ && $(i + 1) == "for") {
        sub(/min$/, "", $i)
        print ($(i + 2) == "ENHANCED" ? "enhanced_minutes=" : "minutes=") $i
      }
    }'
}

# ata_method DISK, its security (see above) on standard input.
ata_method() {
  local security
  security=$(cat)
  case $'\n'$security$'\n' in
    *$'\nfrozen\n'*) fail "$1 is frozen: its firmware lets no secure erase through since power-on. Suspend and resume the machine or cut the power of the disk, then retry; or its instance type needs wipe mode overwrite" ;;
    *$'\nsupported\n'*enhanced$'\n'*) printf 'ata_enhanced_erase\n' ;;
    *$'\nsupported\n'*) printf 'ata_erase\n' ;;
    *) fail "$1 has no secure erase: it is no NVMe disk and knows no ATA security; its instance type needs wipe mode overwrite or discard" ;;
  esac
}

# Sets a password, without which no disk erases itself. One that is set already is that of an erase that was cut short.
ata_erase() {
  local security option=--security-erase minutes=minutes
  [[ $2 != ata_enhanced_erase ]] || option=--security-erase-enhanced minutes=enhanced_minutes
  security=$(hdparm -I "$1" | ata_security)
  grep --quiet --line-regexp enabled <<<"$security" ||
    hdparm --user-master u --security-set-pass "$ATA_PASSWORD" "$1" || fail "$1 did not take the password that a secure erase needs"
  minutes=$(sed -n "s/^$minutes=//p" <<<"$security")
  carry_out "$1" $((${minutes:-0} * 60)) hdparm --user-master u "$option" "$ATA_PASSWORD" "$1" || give_up_ata_erase "$1"
  security=$(hdparm -I "$1" | ata_security)
  # A disk that has erased itself has no password any more.
  ! grep --quiet --line-regexp enabled <<<"$security" || give_up_ata_erase "$1"
  reread_partitions "$1"
}

give_up_ata_erase() {
  hdparm --user-master u --security-disable "$ATA_PASSWORD" "$1" || true
  fail "$1 did not carry out its secure erase: it may be locked with a password of somebody else (hdparm --security-disable takes it away); or its instance type needs wipe mode overwrite"
}
