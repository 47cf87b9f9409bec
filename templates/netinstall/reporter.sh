# What the installer logs goes to the controller while it is written, and tells how far it is.

log_file() {
  local file
  for file in /var/log/YaST2/y2log /tmp/anaconda.log /var/log/installer/subiquity-server-info.log /var/log/syslog; do
    [ ! -f "$file" ] || { printf '%s' "$file" && return; }
  done
}

# Runs in the background, as long as the installer does. A piece that nobody took stays for the next round.
reporter() {
  local log sent=0
  while sleep 3; do
    log=$(log_file)
    [ -n "$log" ] || continue
    tail -c "+$((sent + 1))" "$log" 2>/dev/null | head -c 60000 >"$DIR/piece"
    [ -s "$DIR/piece" ] || continue
    post log text/plain "$DIR/piece" || continue
    sent=$((sent + $(wc -c <"$DIR/piece")))
    tell_of_menu_items || true
  done
}

# The installer of Debian goes through a menu; the others have hooks for it.
tell_of_menu_items() {
  local item
  item=$(sed -n "s/.*Menu item '\([^']*\)' failed.*/\1/p" "$DIR/piece" | tail -n 1)
  [ -z "$item" ] || say failed '' "the step $item of the installer failed: $(grep -v main-menu "$DIR/piece" | tail -n 5)"
  item=$(sed -n "s/.*Menu item '\([^']*\)' selected.*/\1/p" "$DIR/piece" | tail -n 1)
  [ -z "$item" ] || say install "$(percent_of "$item")" "$item"
}

# Nothing for an item that says little.
percent_of() {
  case $1 in
    choose-mirror) printf 2 ;;
    download-installer) printf 4 ;;
    user-setup-udeb) printf 10 ;;
    clock-setup) printf 11 ;;
    disk-detect) printf 12 ;;
    partman-base) printf 14 ;;
    bootstrap-base) printf 20 ;;
    apt-setup-udeb) printf 60 ;;
    pkgsel) printf 65 ;;
    grub-installer) printf 85 ;;
    finish-install) printf 92 ;;
  esac
}
