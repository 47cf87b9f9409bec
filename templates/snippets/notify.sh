# Talk with the controller: states, progress and everything that is printed.
# Needs INSTANCE_ID, CONTROLLER_URL and TOKEN.

export LC_ALL=C
INSTANCE_URL=${CONTROLLER_URL%/}/v1/instances/$INSTANCE_ID
WORK_DIR=$(mktemp -d)
REPORTER_PID='' TEE_PID='' CONSOLE='' WAKE=''

# Kept in a file so that no process list shows the token.
(umask 077 && printf 'Authorization: Bearer %s\n' "$TOKEN" >"$WORK_DIR/authorization")

# fail MESSAGE: ends the script; the message becomes the reason that the controller is told.
fail() {
  printf '%s\n' "$*" >"$WORK_DIR/failure"
  exit 1
}

# post PATH CONTENT_TYPE FILE: 0 taken, 1 worth another try (no answer, busy), 2 refused for good.
post() {
  local code
  code=$(curl --silent --show-error --output "$WORK_DIR/answer.$BASHPID" --write-out '%{http_code}' \
    --connect-timeout 5 --max-time 20 --header @"$WORK_DIR/authorization" --header "Content-Type: $2" \
    --data-binary @"$3" "$INSTANCE_URL/$1" 2>"$WORK_DIR/curl-error.$BASHPID") || code=000
  case $code in
    2??) return 0 ;;
    000) POST_ERROR=$(<"$WORK_DIR/curl-error.$BASHPID") ;;
    *) POST_ERROR="HTTP $code: $(head -c 300 "$WORK_DIR/answer.$BASHPID" 2>/dev/null || true)" ;;
  esac
  case $code in 000 | 408 | 429 | 5??) return 1 ;; *) return 2 ;; esac
}

# notify_body STATE [PROGRESS] [MESSAGE] [FILE]: the file has more members of the body, as JSON.
notify_body() {
  jq --null-input --compact-output --arg state "$1" --arg progress "${2-}" --arg message "${3-}" --slurpfile more "${4:-/dev/null}" '
    {$state}
    + (if $progress == "" then {} else {progress: ($progress | tonumber)} end)
    + (if $message == "" then {} else {$message} end)
    + ($more | add // {})'
}

# notify STATE [PROGRESS] [MESSAGE] [FILE]: until it is taken, with growing pauses, for about two minutes.
notify() {
  local attempt status pause=1 attempts=${NOTIFY_ATTEMPTS:-12} body=$WORK_DIR/notify.$BASHPID
  notify_body "$@" >"$body"
  for ((attempt = 1; ; attempt++)); do
    status=0
    post notify application/json "$body" || status=$?
    ((status == 0)) && return 0
    printf 'notify %s: not taken (%s), attempt %d of %d\n' "$1" "$POST_ERROR" "$attempt" "$attempts" >&2
    ((status == 2 || attempt == attempts)) && return 1
    sleep "$pause"
    pause=$((pause < 15 ? pause * 2 : 15))
  done
}

# progress PERCENT MESSAGE: noted here, told by the reporter within seconds.
progress() {
  printf '%s\n%s\n' "$1" "$2" >"$WORK_DIR/progress"
}

tell_progress() {
  local told=$1 lines
  mapfile -t lines <"$WORK_DIR/progress"
  [[ ${#lines[@]} -eq 2 && ${lines[*]} != "$told" ]] || return 0
  notify_body "$STATE" "${lines[0]}" "${lines[1]}" >"$WORK_DIR/progress.json"
  # The next one comes in seconds: a lost one is not worth a retry.
  post notify application/json "$WORK_DIR/progress.json" || true
  TOLD=${lines[*]}
}

# Sends what was printed since SHIPPED. A piece that nobody took stays for the next round.
ship_log() {
  local size status
  size=$(stat --format=%s "$WORK_DIR/log")
  while ((SHIPPED < size)); do
    dd if="$WORK_DIR/log" of="$WORK_DIR/piece" bs=64K iflag=skip_bytes skip="$SHIPPED" count=1 status=none
    status=0
    post log text/plain "$WORK_DIR/piece" || status=$?
    ((status == 1)) && return 1
    SHIPPED=$((SHIPPED + $(stat --format=%s "$WORK_DIR/piece")))
  done
}

# Runs in the background until it is woken to end: sends the log, and every other time the newest progress. Every second at first,
# then rarer by a second each minute, down to every fifth: a thousand machines that write images for long are a crowd to listen to.
reporter() {
  local SHIPPED=0 TOLD='' ticks=0 pause=1 began=$SECONDS
  trap - ERR EXIT
  set +e
  until read -r -t "$pause" -u "$WAKE"; do
    ship_log
    ((ticks++ % 2)) || tell_progress "$TOLD"
    pause=$((1 + (SECONDS - began) / 60))
    pause=$((pause < 5 ? pause : 5))
  done
  ship_log || { sleep 1 && ship_log; } || { sleep 2 && ship_log; }
}

start_reporting() {
  : >"$WORK_DIR/log" && : >"$WORK_DIR/progress"
  mkfifo "$WORK_DIR/wake"
  exec {WAKE}<>"$WORK_DIR/wake" {CONSOLE}>&1
  reporter >&"$CONSOLE" 2>&1 &
  REPORTER_PID=$!
  # -p: a console that goes away must not end the installation.
  exec > >(exec tee -p -a "$WORK_DIR/log") 2>&1
  TEE_PID=$!
}

# Waits at most SECONDS for a process to end, then ends it.
wait_or_kill() {
  local ticks=$(($2 * 10))
  while ((ticks-- > 0)) && kill -0 "$1" 2>/dev/null; do sleep 0.1; done
  kill "$1" 2>/dev/null || true
}

# Everything printed so far reaches the controller before this returns (or the controller is not there).
stop_reporting() {
  [[ $REPORTER_PID ]] || return 0
  exec >&"$CONSOLE" 2>&1
  wait_or_kill "$TEE_PID" 5
  printf 'stop\n' >&"$WAKE"
  wait_or_kill "$REPORTER_PID" 60
  REPORTER_PID=''
}
