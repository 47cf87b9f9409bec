# Unpacks an image that is a tarball into the root file system. Needs image.sh, TARGET and READ_BACK.

TAR='' TAR_WHAT=''

keep_chunk() {
  :
}

# tar is given nothing that was not checked.
pass_on_chunk() {
  cat "$1" >&"$TAR" || fail "$TAR_WHAT the image failed: $(tail -n 5 "$WORK_DIR/tar")"
}

# through_tar OPTION WHAT: all of the image through one tar; what that does, in words.
through_tar() {
  local pid
  TAR_WHAT=$2
  exec {TAR}> >(trap - ERR EXIT && exec tar "$1" --file=- --directory="$TARGET" --numeric-owner --same-permissions --xattrs \
    --xattrs-include='*' --acls >"$WORK_DIR/tar" 2>&1)
  pid=$!
  stream_chunks
  exec {TAR}>&-
  wait "$pid" || fail "$TAR_WHAT the image failed: $(tail -n 5 "$WORK_DIR/tar")"
}

stream_image() {
  through_tar --extract unpacking
  # What is mounted on needs to be there, and is left out of many a tarball.
  mkdir --parents "$TARGET"/{dev,proc,sys,run}
  install --directory --mode=1777 "$TARGET/tmp"
  printf 'image: %d bytes unpacked in %d s\n' "$BYTES_DONE" $((SECONDS - STREAM_BEGAN))
}

# Samples of a tarball say little of the files that came of it: they are compared all, with the image brought once more, or
# not at all.
read_back() {
  if [[ $READ_BACK != full ]]; then
    printf 'image: the files are not read back; readBack full does so with a tarball\n'
    return
  fi
  # What is read then comes from the disk.
  umount "$TARGET"
  mount "$ROOT_DEVICE" "$TARGET"
  STREAM_WORD=comparing
  through_tar --compare 'comparing with'
  printf 'image: read back (full), the files are those of the image\n'
}
