# Talk with the controller with whatever this OS has for it: curl, else python3, else bash alone.

# ask METHOD URL TOKEN SECONDS FILE [JSON]: prints the HTTP status, 000 when no whole answer came; its body is in FILE, its headers
# in the file that ANSWER_HEADERS names, if it does.
ask() {
  local way=ask_with_bash
  if command -v curl >/dev/null; then
    way=ask_with_curl
  elif command -v python3 >/dev/null; then
    way=ask_with_python
  fi
  "$way" "$@" || printf '000'
}

ask_with_curl() {
  local status data=()
  [[ -z ${6-} ]] || data=(--header 'Content-Type: application/json' --data-binary @-)
  status=$(curl --silent --show-error --connect-timeout 10 --max-time "$4" --output "$5" --dump-header "${ANSWER_HEADERS:-/dev/null}" --write-out '%{http_code}' \
    --header @<(printf 'Authorization: Bearer %s' "$3") --request "$1" "${data[@]}" "$2" <<<"${6-}") || return 1
  printf '%s' "$status"
}

ask_with_python() {
  TOKEN=$3 ANSWER_HEADERS=${ANSWER_HEADERS-} python3 - "$1" "$2" "$4" "$5" "${6-}" <<'PYTHON'
import os, sys, urllib.error, urllib.request
method, url, seconds, file, body = sys.argv[1:]
headers = {'Content-Type': 'application/json', 'Authorization': 'Bearer ' + os.environ['TOKEN']}
request = urllib.request.Request(url, body.encode() or None, headers, method=method)
try:
    answer = urllib.request.urlopen(request, timeout=float(seconds))
except urllib.error.HTTPError as error:
    answer = error
with open(file, 'wb') as output:
    output.write(answer.read())
with open(os.environ.get('ANSWER_HEADERS') or os.devnull, 'w') as output:
    output.write(str(answer.headers))
print(answer.getcode(), end='')
PYTHON
}

ask_with_bash() {
  local rest=${2#http://} body=${6-} headers=${ANSWER_HEADERS:-/dev/null} host port=80 status line length=''
  host=${rest%%/*}
  [[ $host != *:* ]] || port=${host##*:}
  exec 3<>"/dev/tcp/${host%:*}/$port" || return 1
  printf '%s /%s HTTP/1.0\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
    "$1" "${rest#*/}" "$host" "$3" "${#body}" "$body" >&3
  read -r -t "$4" _ status _ <&3 || return 1
  : >"$headers"
  while read -r -t 20 line <&3 && line=${line%$'\r'} && [[ $line ]]; do
    printf '%s\n' "$line" >>"$headers"
    [[ ${line,,} != content-length:* ]] || length=${line##* }
  done
  timeout 20 cat <&3 >"$5" || return 1
  exec 3>&-
  [[ -z $length || $length == "$(stat --format=%s "$5")" ]] || return 1
  printf '%s' "$status"
}

# say STATE [MESSAGE] [JSON]: one try to tell the controller, as the instance whose NOTIFY_URL and NOTIFY_TOKEN these are; prints
# the HTTP status. The JSON is one more member of the body.
say() {
  local LC_ALL=C message=${2-}
  message=${message:0:2000}
  message=${message//[^ -~]/ }
  message=${message//\\/\\\\}
  message=${message//\"/\\\"}
  ask POST "$NOTIFY_URL" "$NOTIFY_TOKEN" 20 /dev/null "{\"state\":\"$1\"${message:+,\"message\":\"$message\"}${3:+,$3}}"
}
