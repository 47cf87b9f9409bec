# Brings the image, chunk by chunk: each is compressed by itself, and has its digest in a list, which has one too. One pass over
# the wire, taken up again at the last good chunk where it breaks; nothing is kept that was not checked. What becomes of a
# chunk is said by `keep_chunk FILE NUMBER` (of any chunk that is good) and `pass_on_chunk FILE` (of one after another).
# Needs IMAGE_KIND, IMAGE_URL, IMAGE_CHUNKS_URL, IMAGE_CHUNKS_SHA256, IMAGE_COMPRESSED_BYTES and IMAGE_DATA_BYTES.

# Lines of the list: OFFSET LENGTH PACKED_OFFSET PACKED_LENGTH SHA256 PACKED_SHA256. So many, from the first, are done with.
CHUNKS=() CHUNKS_DONE=0 BYTES_DONE=0
# Processes that unpack and check, in the order of the chunks. Each has up to 32 MiB of memory; more of them than processors, for
# some wait for the disk.
IN_WORK=() LANES=$(($(nproc) < 2 ? 2 : 4)) CHUNK_BYTES=$((16 << 20))
# What keeps it from going on, in words; what was found wrong once is not forgiven a second time.
TROUBLE='' WRONG_CHUNK='' WRONG_LIST=''
STREAM_BEGAN=0 LAST_TOLD=0 STREAM_WORD=writing WIRE_PID='' WIRE_ENDED=''

# fetch URL FROM: on standard output, from this byte on; for a process of its own. A connection that hangs is ended.
fetch() {
  exec curl --fail --silent --show-error --location --connect-timeout 10 --speed-limit 1024 --speed-time 60 \
    --continue-at "$2" --write-out '%{stderr}code=%{http_code}\n' "$1" 2>"$WORK_DIR/fetch"
}

# fetch_failed STATUS WHAT: sets TROUBLE; ends the script when trying again is no use.
fetch_failed() {
  TROUBLE="$2: $(sed '/^code=/d' "$WORK_DIR/fetch")"
  # 22: the server answered with an error, which gets better when it is one of its own; 33: it cannot continue.
  case $1:$(sed -n 's/^code=//p' "$WORK_DIR/fetch") in 22:5??) ;; 22:* | 33:*) fail "$TROUBLE" ;; esac
}

# until_done COMMAND: again while it sets TROUBLE, for about two minutes without a good chunk: a controller that is started anew
# must not cost the installations under way.
until_done() {
  local attempt=1 pause=1 before=$CHUNKS_DONE attempts=${FETCH_ATTEMPTS:-12}
  while true; do
    TROUBLE=''
    "$1"
    [[ $TROUBLE ]] || return 0
    ((CHUNKS_DONE == before)) || attempt=1 pause=1
    before=$CHUNKS_DONE
    printf 'image: %s, attempt %d of %d\n' "$TROUBLE" "$attempt" "$attempts"
    ((attempt++ < attempts)) || fail "$TROUBLE"
    sleep "$pause"
    pause=$((pause < 15 ? pause * 2 : 15))
  done
}

fetch_chunk_list() {
  until_done try_list
  mapfile -t CHUNKS <"$WORK_DIR/chunks"
  printf 'image: %s, %d chunks, %d bytes of data, %d over the wire\n' "${IMAGE_KIND//_/ }" "${#CHUNKS[@]}" "$IMAGE_DATA_BYTES" \
    "$IMAGE_COMPRESSED_BYTES"
}

try_list() {
  local status=0 found
  (fetch "$IMAGE_CHUNKS_URL" 0) >"$WORK_DIR/chunks" || status=$?
  if ((status != 0)); then
    fetch_failed "$status" 'the download of the list of chunks failed'
    return 0
  fi
  found=$(openssl dgst -sha256 -r "$WORK_DIR/chunks")
  found=${found%% *}
  [[ $found != "$IMAGE_CHUNKS_SHA256" ]] || return 0
  TROUBLE="the list of chunks that came has SHA-256 $found, expected $IMAGE_CHUNKS_SHA256"
  [[ -z $WRONG_LIST ]] || fail "$TROUBLE"
  WRONG_LIST=yes
}

# Each chunk is received, unpacked, checked and kept, once.
stream_chunks() {
  CHUNKS_DONE=0 BYTES_DONE=0 STREAM_BEGAN=$SECONDS
  until_done try_chunks
  rm -f "$WORK_DIR"/chunk.*
}

# One connection, from the first chunk that is not done with.
try_chunks() {
  local wire number packed_offset
  ((CHUNKS_DONE < ${#CHUNKS[@]})) || return 0
  read -r _ _ packed_offset _ <<<"${CHUNKS[CHUNKS_DONE]}"
  WIRE_ENDED=''
  exec {wire}< <(trap - ERR EXIT && fetch "$IMAGE_URL" "$packed_offset")
  WIRE_PID=$!
  for ((number = CHUNKS_DONE; number < ${#CHUNKS[@]}; number++)); do
    receive_chunk "$number" <&"$wire"
    check_chunk "$number" &
    IN_WORK+=($!)
    ((${#IN_WORK[@]} < LANES)) || finish_chunk || break
  done
  while [[ -z $TROUBLE$WIRE_ENDED ]] && ((${#IN_WORK[@]} > 0)); do finish_chunk || break; done
  leave_work
  # What the stored file has after its last chunk.
  ((CHUNKS_DONE < ${#CHUNKS[@]})) || cat <&"$wire" >/dev/null
  exec {wire}<&-
  end_connection
}

# Those after a chunk that was wrong are received again, too.
leave_work() {
  ((${#IN_WORK[@]} == 0)) || wait "${IN_WORK[@]}" || true
  IN_WORK=()
}

# Why there is no more of the image, if the connection has ended by itself.
end_connection() {
  local status=0 came
  [[ $WIRE_ENDED ]] || kill "$WIRE_PID" 2>/dev/null || true
  wait "$WIRE_PID" || status=$?
  [[ $WIRE_ENDED ]] || return 0
  read -r _ _ came _ <<<"${CHUNKS[CHUNKS_DONE]}"
  came=$((came + WIRE_ENDED))
  ((status != 0)) || fail "the image is $IMAGE_COMPRESSED_BYTES bytes long, but $came bytes came"
  fetch_failed "$status" "the download of the image ended after $came of $IMAGE_COMPRESSED_BYTES bytes"
}

# receive_chunk NUMBER, the wire on standard input. Its files are in memory, where there are never more than LANES of them.
receive_chunk() {
  local packed_length
  read -r _ _ _ packed_length _ <<<"${CHUNKS[$1]}"
  dd of="$WORK_DIR/chunk.$(($1 % LANES)).zst" bs=1M count="$packed_length" iflag=fullblock,count_bytes status=none ||
    fail 'no memory left for the image'
}

# check_chunk NUMBER, in a process of its own. Ends with 1 when it is wrong, with 2 when it could not be kept.
check_chunk() {
  local file=$WORK_DIR/chunk.$(($1 % LANES)) found length packed_sha256
  trap - ERR EXIT
  read -r _ length _ _ _ packed_sha256 <<<"${CHUNKS[$1]}"
  # Of the packed chunk: there is less of it, and nothing is unpacked that is not known to be good. zstd has a checksum of the rest.
  found=$(openssl dgst -sha256 -r "$file.zst")
  [[ ${found%% *} == "$packed_sha256" ]] ||
    { printf 'has SHA-256 %s, expected %s' "${found%% *}" "$packed_sha256" >"$file.error" && exit 1; }
  # Over the memory of the chunk before, which is quicker than to have it given anew; a shorter one must not have its end.
  ((length == CHUNK_BYTES)) || rm -f "$file"
  zstd --decompress --quiet --stdout "$file.zst" 1<>"$file" 2>"$file.words" ||
    { printf 'cannot be decompressed: %s' "$(<"$file.words")" >"$file.error" && exit 1; }
  keep_chunk "$file" "$1" 2>"$file.error" || exit 2
}

# The oldest chunk in work. Fails when it was wrong for the first time.
finish_chunk() {
  local status=0 length file
  file=$WORK_DIR/chunk.$((CHUNKS_DONE % LANES))
  wait "${IN_WORK[0]}" || status=$?
  IN_WORK=("${IN_WORK[@]:1}")
  if ((status != 0)); then
    chunk_failed "$status" "$file"
    return 1
  fi
  pass_on_chunk "$file"
  read -r _ length _ <<<"${CHUNKS[CHUNKS_DONE]}"
  CHUNKS_DONE=$((CHUNKS_DONE + 1)) BYTES_DONE=$((BYTES_DONE + length))
  tell_of_stream
}

# chunk_failed STATUS FILE: sets WIRE_ENDED, to how much of it came, or TROUBLE.
chunk_failed() {
  local offset length packed_length came
  (($1 == 1)) || fail "writing the image to the disk failed: $(<"$2.error")"
  read -r offset length _ packed_length _ <<<"${CHUNKS[CHUNKS_DONE]}"
  came=$(stat --format=%s "$2.zst")
  if ((came < packed_length)); then
    WIRE_ENDED=$came
    return
  fi
  TROUBLE="chunk $((CHUNKS_DONE + 1)) of ${#CHUNKS[@]} (bytes $offset to $((offset + length)) of the image) $(<"$2.error")"
  [[ $WRONG_CHUNK != "$CHUNKS_DONE" ]] || fail "$TROUBLE, for the second time"
  WRONG_CHUNK=$CHUNKS_DONE
}

# Once a second.
tell_of_stream() {
  local done_mib=$((BYTES_DONE >> 20)) seconds=$((SECONDS > STREAM_BEGAN ? SECONDS - STREAM_BEGAN : 1))
  ((SECONDS != LAST_TOLD)) || return 0
  LAST_TOLD=$SECONDS
  step_progress "$BYTES_DONE" "$IMAGE_DATA_BYTES" \
    "$STREAM_WORD image: $done_mib of $((IMAGE_DATA_BYTES >> 20)) MiB, $((done_mib / seconds)) MiB/s"
}
