# Talk with the controller. Needs INSTANCE_URL, TOKEN and DIR.

# Kept in files, in the words of curl and of wget, so that no process list shows the token.
write_authorization() {
  (
    umask 077
    printf 'header = "Authorization: Bearer %s"\n' "$TOKEN" >"$DIR/curlrc"
    printf 'header = Authorization: Bearer %s\n' "$TOKEN" >"$DIR/wgetrc"
  )
}

has_curl() {
  command -v curl >/dev/null
}

# post PATH CONTENT_TYPE FILE: one try.
post() {
  if has_curl; then
    curl --fail --silent --show-error --output /dev/null --connect-timeout 5 --max-time 20 --config "$DIR/curlrc" \
      --header "Content-Type: $2" --data-binary @"$3" "$INSTANCE_URL/$1"
  else
    wget --config="$DIR/wgetrc" --quiet --output-document=/dev/null --tries=1 --timeout=20 \
      --header="Content-Type: $2" --post-file="$3" "$INSTANCE_URL/$1"
  fi
}

# get URL FILE: one try.
get() {
  if has_curl; then
    curl --fail --silent --show-error --connect-timeout 5 --max-time 20 --output "$2" "$1"
  else
    wget --quiet --tries=1 --timeout=20 --output-document="$2" "$1"
  fi
}

# insist COMMAND…: until it succeeds, for about two minutes: the controller may just be started anew.
insist() {
  local attempt
  for attempt in 1 2 4 8 15 15 15 15 15 15; do
    ! "$@" || return 0
    sleep "$attempt"
  done
  return 1
}

# fetch URL FILE
fetch() {
  insist get "$@" || {
    printf 'dodai: %s could not be fetched\n' "$1" >&2
    return 1
  }
}

# as_json TEXT: a string of one line.
as_json() {
  printf '"%s"' "$(printf '%s' "$1" | tr -c ' -~' ' ' | cut -c 1-1500 | sed 's/["\\]/\\&/g')"
}

# say STATE [PERCENT] [MESSAGE]: one try.
say() {
  printf '{"state":"%s"%s%s}' "$1" "${2:+,\"progress\":$2}" "${3:+,\"message\":$(as_json "$3")}" >"$DIR/notify.$$"
  post notify application/json "$DIR/notify.$$"
}

# notify STATE [PERCENT] [MESSAGE]
notify() {
  insist say "$@" || {
    printf 'dodai: the controller did not take %s\n' "$1" >&2
    return 1
  }
}
