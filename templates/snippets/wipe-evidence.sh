# Shows that disks are wiped, and keeps what was done and what was read for the record.

PLACE_BYTES=$((1 << 20))

# places_of DISK METHOD: offsets of the MiB that are read back. After signatures alone only both ends are cleared; otherwise
# seventeen: the first, the middle, the last and between.
places_of() {
  local size last place places=16
  size=$(blockdev --getsize64 "$1")
  last=$((size - PLACE_BYTES))
  [[ $2 != signatures ]] || places=1
  # Multiples of 4096: what direct reads need.
  for ((place = 0; place < places; place++)); do printf '%d\n' $((last * place / places / 4096 * 4096)); done
  printf '%d\n' $((last / 4096 * 4096))
}

# A text that nothing boots from, filling one place.
mark() {
  yes "dodai is wiping this disk for the instance $INSTANCE_ID" | head --bytes "$PLACE_BYTES" || true
}

# So that every place holds something that only the wipe can have taken away: the old content may have been zeros there.
mark_places() {
  local offset
  for offset in $(places_of "$1" marked); do
    mark | dd of="$1" bs=1M count=1 seek="$offset" iflag=fullblock oflag=direct,seek_bytes conv=notrunc,fsync status=none
  done
}

# held_at DISK OFFSET: what the MiB there holds, as the disk (not the page cache) has it: zeros, ones, mark or other.
held_at() {
  local file
  file=$(wipe_dir "$1")/place
  dd if="$1" of="$file" bs=1M count=1 skip="$2" iflag=direct,skip_bytes,fullblock status=none
  (($(stat --format=%s "$file") == PLACE_BYTES)) || fail "$1 cannot be read at offset $2"
  if (($(tr -d '\0' <"$file" | wc -c) == 0)); then
    printf 'zeros\n'
  elif (($(tr -d '\377' <"$file" | wc -c) == 0)); then
    printf 'ones\n'
  elif grep --quiet --text --fixed-strings "dodai is wiping this disk" "$file"; then
    printf 'mark\n'
  else
    printf 'other\n'
  fi
}

# What an erase by the disk itself leaves is the disk's choice (a new key makes noise of what was there), but never the mark.
is_wiped() {
  case $1 in
    signatures | discard | overwrite) [[ $2 == zeros ]] ;;
    *) [[ $2 != mark ]] ;;
  esac
}

# not_wiped DISK METHOD HELD OFFSET
not_wiped() {
  local held='something else than zeros'
  [[ $3 != mark ]] || held='what was there before'
  case $2 in
    discard) fail "$1 is not wiped: it took the discard and holds $held at offset $4: its instance type needs wipe mode secure_erase or overwrite" ;;
    signatures | overwrite) fail "$1 is not wiped: it took the zeros and holds $held at offset $4: replace it" ;;
    *) fail "$1 is not wiped: it took the secure erase and holds $held at offset $4: its instance type needs wipe mode overwrite, or replace it" ;;
  esac
}

# read_places DISK METHOD: fails unless each of them is wiped.
read_places() {
  local offset held dir
  dir=$(wipe_dir "$1")
  blockdev --flushbufs "$1"
  : >"$dir/read"
  for offset in $(places_of "$1" "$2"); do
    held=$(held_at "$1" "$offset")
    is_wiped "$2" "$held" || not_wiped "$1" "$2" "$held" "$offset"
    printf '%d %s\n' "$offset" "$held" >>"$dir/read"
  done
  rm -f "$dir/place"
  printf '%s: read back at %d places: %s\n' "$1" "$(wc -l <"$dir/read")" "$(cut -d' ' -f2 "$dir/read" | sort | uniq -c | xargs)"
}

# evidence_of DISK METHOD: what was done to it and what was read back, as JSON.
evidence_of() {
  local dir size
  dir=$(wipe_dir "$1")
  size=$(blockdev --getsize64 "$1")
  list_disks | jq --compact-output --arg path "$1" --arg method "$2" --argjson size "$size" --argjson bytes "$PLACE_BYTES" \
    --arg command "$(<"$dir/command")" --argjson seconds "$(<"$dir/seconds")" --rawfile read "$dir/read" '
    [$read | split("\n")[] | select(. != "") | split(" ")] as $places
    | (reduce $places[][1] as $held ({zeros: 0, ones: 0, other: 0}; .[$held] += 1)) as $held
    | .[] | select(.path == $path) | {
        disk: $path, serial, wwn, model, sizeBytes: $size, method: $method, command: $command, seconds: $seconds,
        readBack: {placeBytes: $bytes, offsets: [$places[][0] | tonumber], held: $held, marked: ($method != "signatures")}
      }'
}

# The evidence of all disks in one sentence, evidence on standard input.
told_evidence() {
  jq --raw-output '
    def held: to_entries | map(select(.value > 0) | .key) | join(", ");
    (if length == 1 then "1 disk is wiped: " else "\(length) disks are wiped: " end)
    + (map("\(.disk) (\(.method), \(.seconds) s, \(.readBack.offsets | length) places read back: \(.readBack.held | held))") | join("; "))
    | .[:4000]'
}
