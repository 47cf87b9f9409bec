# Streams the image to its partition: one pass over the wire, checked against the digest the operator has.
# Needs IMAGE_URL, IMAGE_SHA256, IMAGE_COMPRESSED_BYTES and IMAGE_UNCOMPRESSED_BYTES.

# Writes the whole image on standard output; a connection that breaks is taken up again where it broke, for about two
# minutes: a controller that is started anew must not cost the installations under way.
fetch_image() {
  local got=0 attempt status code size pause=1 attempts=${FETCH_ATTEMPTS:-12}
  for ((attempt = 1; attempt <= attempts; attempt++)); do
    status=0
    curl --fail --silent --show-error --location --connect-timeout 10 --speed-limit 1024 --speed-time 60 \
      --continue-at "$got" --write-out '%{stderr}size=%{size_download}\ncode=%{http_code}\n' "$IMAGE_URL" 2>"$WORK_DIR/fetch" || status=$?
    size=$(sed -n 's/^size=//p' "$WORK_DIR/fetch")
    got=$((got + ${size:-0}))
    printf '%d' "$got" >"$WORK_DIR/fetched-bytes"
    ((status == 0)) && return 0
    code=$(sed -n 's/^code=//p' "$WORK_DIR/fetch")
    sed '/^size=/d; /^code=/d' "$WORK_DIR/fetch" >"$WORK_DIR/fetch-error"
    printf 'image: %s after %d bytes, attempt %d of %d\n' "$(<"$WORK_DIR/fetch-error")" "$got" "$attempt" "$attempts" >&2
    # 22: the server answered with an error, which gets better when it is one of its own; 23: the reader ended; 33: it cannot
    # continue.
    case $status:$code in 22:5??) ;; 22:* | 23:* | 33:*) return 1 ;; esac
    sleep "$pause"
    pause=$((pause < 15 ? pause * 2 : 15))
  done
  return 1
}

# Follows the position of the writer PID and reports it as progress.
follow_write() {
  local written done_mib all_mib=$((IMAGE_UNCOMPRESSED_BYTES >> 20))
  while written=$(sed -n 's/^pos:[[:space:]]*//p' "/proc/$1/fdinfo/1" 2>/dev/null) && [[ $written ]]; do
    done_mib=$((written >> 20))
    step_progress "$written" "$IMAGE_UNCOMPRESSED_BYTES" "writing image: $done_mib of $all_mib MiB"
    sleep 1
  done
}

# One MiB at a time and past the page cache: steady, and the progress is what is on the disk.
write_to() {
  local options=(of="$1" bs=1M iflag=fullblock 'conv=notrunc,fsync')
  [[ ! -b $1 ]] || options+=(oflag=direct)
  printf '%s' "$BASHPID" >"$WORK_DIR/writer-pid"
  exec dd "${options[@]}" 2>"$WORK_DIR/writer"
}

# stream_image_to TARGET: downloads, writes and checks; an image that is not whole and right is a failure.
stream_image_to() {
  local statuses=(0 0 0 0) digester
  rm -f "$WORK_DIR/wire" && mkfifo "$WORK_DIR/wire"
  sha256sum <"$WORK_DIR/wire" >"$WORK_DIR/digest" &
  digester=$!
  (trap - ERR EXIT && sleep 1 && follow_write "$(<"$WORK_DIR/writer-pid")") 2>/dev/null &
  # tee goes on when zstd has given up, so that the digest tells a wrong file from a broken download.
  fetch_image | tee -p "$WORK_DIR/wire" | zstd --decompress --stdout --quiet 2>"$WORK_DIR/zstd" | write_to "$1" ||
    statuses=("${PIPESTATUS[@]}")
  wait "$digester"
  check_stream "${statuses[@]}"
}

# check_stream FETCH_STATUS TEE_STATUS ZSTD_STATUS WRITER_STATUS: the first cause is the reason.
check_stream() {
  local fetched digest written
  fetched=$(<"$WORK_DIR/fetched-bytes")
  digest=$(cut -d ' ' -f 1 "$WORK_DIR/digest")
  written=$(sed -n 's/^\([0-9]*\) bytes.*/\1/p' "$WORK_DIR/writer")
  (($4 == 0)) || fail "writing the image to the disk failed: $(<"$WORK_DIR/writer")"
  (($1 == 0)) || fail "the download of the image ended after $fetched of $IMAGE_COMPRESSED_BYTES bytes: $(<"$WORK_DIR/fetch-error")"
  ((fetched == IMAGE_COMPRESSED_BYTES)) || fail "the image is $IMAGE_COMPRESSED_BYTES bytes long, but $fetched bytes came"
  [[ $digest == "$IMAGE_SHA256" ]] || fail "the image that came has SHA-256 $digest, expected $IMAGE_SHA256"
  (($3 == 0)) || fail "the image cannot be decompressed: $(<"$WORK_DIR/zstd")"
  ((written == IMAGE_UNCOMPRESSED_BYTES)) ||
    fail "the image is $IMAGE_UNCOMPRESSED_BYTES bytes long unpacked, but $written bytes were written"
  printf 'image: %s bytes received, SHA-256 %s, %s bytes written\n' "$fetched" "$digest" "$written"
}
