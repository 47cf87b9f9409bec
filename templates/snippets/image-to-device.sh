# Writes an image to a device, each chunk at its place, and makes zeros of what is in none of them: what the device held before
# must not show through. Then what is on it is read again, past the page cache.
# Needs image.sh, IMAGE_UNCOMPRESSED_BYTES and READ_BACK; it goes to the root device, unless IMAGE_DEVICE is set.

# The most that is zeroed, or read, between two looks at the clock.
IMAGE_DEVICE=${IMAGE_DEVICE:-} PIECE_BYTES=$((256 << 20)) SAMPLES=18 SAMPLE_BYTES=$((4 << 20)) SECTOR_BYTES=512

# Past the page cache, which would only be filled for nothing. What comes last need not be a whole sector.
keep_chunk() {
  local offset
  read -r offset _ <<<"${CHUNKS[$2]}"
  dd if="$1" of="$IMAGE_DEVICE" bs=1M seek="$offset" oflag=direct,seek_bytes conv=notrunc status=none
}

pass_on_chunk() {
  :
}

# Lines OFFSET LENGTH of what is in no chunk.
list_holes() {
  local offset length end=0
  while read -r offset length _; do
    ((offset == end)) || printf '%d %d\n' "$end" $((offset - end))
    end=$((offset + length))
  done <"$WORK_DIR/chunks"
  ((end == IMAGE_UNCOMPRESSED_BYTES)) || printf '%d %d\n' "$end" $((IMAGE_UNCOMPRESSED_BYTES - end))
}

# zero_piece OFFSET LENGTH: up to the end of the sector.
zero_piece() {
  zero_range "$IMAGE_DEVICE" "$1" $((($2 + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES)) \
    2>"$WORK_DIR/zeroing" || fail "writing the image to the disk failed: $(<"$WORK_DIR/zeroing")"
}

zero_holes() {
  IMAGE_DEVICE=${IMAGE_DEVICE:-$ROOT_DEVICE}
  SECTOR_BYTES=$(blockdev --getss "$IMAGE_DEVICE")
  zero_runs $((IMAGE_UNCOMPRESSED_BYTES - IMAGE_DATA_BYTES)) < <(list_holes)
}

# zero_runs BYTES: lines OFFSET LENGTH on standard input, so many bytes together.
zero_runs() {
  local offset length piece runs=0 zeroed=0
  while read -r offset length; do
    runs=$((runs + 1))
    while ((length > 0)); do
      piece=$((length < PIECE_BYTES ? length : PIECE_BYTES))
      zero_piece "$offset" "$piece"
      offset=$((offset + piece)) length=$((length - piece)) zeroed=$((zeroed + piece))
      step_progress "$zeroed" "$1" "writing zeros: $((zeroed >> 20)) of $(($1 >> 20)) MiB"
    done
  done
  printf 'image: %d runs of %d bytes are zeros on %s\n' "$runs" "$zeroed" "$IMAGE_DEVICE"
}

stream_image() {
  stream_chunks
  # What the disk itself has taken and not yet written, too.
  sync "$IMAGE_DEVICE" || fail "writing the image to the disk failed: $IMAGE_DEVICE did not take all of it"
  printf 'image: %d bytes written to %s in %d s\n' "$BYTES_DONE" "$IMAGE_DEVICE" $((SECONDS - STREAM_BEGAN))
}

# Of the lines on standard input those that are read again: all of them, or the first, the last and as many between, evenly.
choose_samples() {
  if [[ $READ_BACK == full ]]; then
    cat
  else
    awk -v most="$SAMPLES" '{ line[NR] = $0 }
      END { count = NR < most ? NR : most
        for (i = 0; i < count; i++) print line[count < 2 ? 1 : 1 + int(i * (NR - 1) / (count - 1))] }'
  fi
}

# read_device OFFSET LENGTH: as the disk has it, not the page cache. An error is seen by what is missing then.
read_device() {
  local whole=$((($2 + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES))
  if ((whole == $2)); then read_sectors "$@"; else read_sectors "$1" "$whole" | head --bytes="$2"; fi
}

read_sectors() {
  dd if="$IMAGE_DEVICE" bs=4M skip="$1" count="$2" iflag=direct,fullblock,skip_bytes,count_bytes status=none || true
}

read_back_chunks() {
  local offset length sha256
  while read -r offset length _ _ sha256 _; do
    in_lane "$length" compare_chunk "$offset" "$length" "$sha256"
  done < <(choose_samples <"$WORK_DIR/chunks")
  finish_lanes
}

# Of a hole that is a sample, the beginning.
read_back_holes() {
  local offset length piece
  while read -r offset length; do
    [[ $READ_BACK == full ]] || length=$((length < SAMPLE_BYTES ? length : SAMPLE_BYTES))
    while ((length > 0)); do
      piece=$((length < CHUNK_BYTES ? length : CHUNK_BYTES))
      in_lane "$piece" compare_hole "$offset" "$piece"
      offset=$((offset + piece)) length=$((length - piece))
    done
  done < <(list_holes | choose_samples)
  finish_lanes
}

# in_lane LENGTH COMMAND...: in a process of its own, LANES of them at a time. It fails with what is wrong on standard output.
in_lane() {
  (trap - ERR EXIT && "${@:2}" >"$WORK_DIR/back.$((BACK_BEGUN % LANES))") &
  IN_WORK+=("$! $1")
  BACK_BEGUN=$((BACK_BEGUN + 1))
  ((${#IN_WORK[@]} < LANES)) || finish_lane
}

finish_lane() {
  local pid length
  read -r pid length <<<"${IN_WORK[0]}"
  wait "$pid" || fail "writing the image to the disk failed: read back, $(
  )$(<"$WORK_DIR/back.$(((BACK_BEGUN - ${#IN_WORK[@]}) % LANES))"): $IMAGE_DEVICE does not keep what it is given"
  IN_WORK=("${IN_WORK[@]:1}")
  told_back "$length"
}

finish_lanes() {
  while ((${#IN_WORK[@]} > 0)); do finish_lane; done
}

# compare_chunk OFFSET LENGTH SHA256
compare_chunk() {
  local found
  found=$(read_device "$1" "$2" | openssl dgst -sha256 -r)
  [[ ${found%% *} == "$3" ]] ||
    { printf 'the %d bytes from %d on have SHA-256 %s, expected %s' "$2" "$1" "${found%% *}" "$3" && return 1; }
}

# compare_hole OFFSET LENGTH. The live image has the cmp of busybox, which knows no long options.
compare_hole() {
  read_device "$1" "$2" | cmp -s -n "$2" - /dev/zero ||
    { printf 'the %d bytes from %d on are not all zero, though the image is empty there' "$2" "$1" && return 1; }
}

# told_back LENGTH
told_back() {
  BYTES_BACK=$((BYTES_BACK + $1))
  ((SECONDS != LAST_TOLD)) || return 0
  LAST_TOLD=$SECONDS
  step_progress "$BYTES_BACK" "$IMAGE_UNCOMPRESSED_BYTES" "reading back: $((BYTES_BACK >> 20)) MiB compared"
}

read_back() {
  BYTES_BACK=0 BACK_BEGUN=0
  if [[ $READ_BACK == none ]]; then
    printf 'image: not read back, as the instance type says\n'
    return
  fi
  blockdev --flushbufs "$IMAGE_DEVICE"
  read_back_chunks
  read_back_holes
  rm -f "$WORK_DIR"/back.*
  printf 'image: read back (%s), %d bytes on %s are what they should be\n' "$READ_BACK" "$BYTES_BACK" "$IMAGE_DEVICE"
}
