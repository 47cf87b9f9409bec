# Runs the steps one after another, and says what happened when one of them fails.
# Needs notify.sh; the script defines `leave_safe`, which is called when a step has failed.

STEP='' STEP_NUMBER=0 STEP_COUNT=0 PROGRESS_FROM=0 PROGRESS_TO=0

# What the step was doing, in one line of its own, then the last lines it printed.
failure_reason() {
  local what
  if [[ -s $WORK_DIR/failure ]]; then
    what=$(<"$WORK_DIR/failure")
  elif [[ -s $WORK_DIR/failed-command ]]; then
    what="$(<"$WORK_DIR/failed-command"); last lines: $(tail -n 5 "$WORK_DIR/log" 2>/dev/null)"
  else
    what="ended with status $1"
  fi
  printf 'step %d/%d %s: %s' "$STEP_NUMBER" "$STEP_COUNT" "${STEP//_/ }" "$what" | head -c 4000
}

note_failed_command() {
  printf 'command "%s" ended with status %d (line %d)' "$3" "$1" "$2" >"$WORK_DIR/failed-command"
}

# On every way out. A report that cannot be delivered does not change what the script ends with.
report_end() {
  local status=$? reason
  trap - ERR EXIT
  set +e
  if ((status != 0)); then
    reason=$(failure_reason "$status")
    printf 'FAILED: %s\n' "$reason"
    leave_safe
    stop_reporting
    NOTIFY_ATTEMPTS=${FAILURE_ATTEMPTS:-6} notify failed '' "$reason" || printf 'The failure could not be reported.\n'
  fi
  stop_reporting
  rm -rf "$WORK_DIR"
  exit "$status"
}

# run_steps NAME:PERCENT…: PERCENT is where the whole stands when the step begins.
run_steps() {
  local number began
  STEP_COUNT=$#
  for ((number = 1; number <= STEP_COUNT; number++)); do
    STEP=${!number%:*} STEP_NUMBER=$number PROGRESS_FROM=${!number#*:} PROGRESS_TO=100
    if ((number < STEP_COUNT)); then
      PROGRESS_TO=$((number + 1))
      PROGRESS_TO=${!PROGRESS_TO#*:}
    fi
    began=$SECONDS
    printf '== step %d/%d %s\n' "$STEP_NUMBER" "$STEP_COUNT" "${STEP//_/ }"
    progress "$PROGRESS_FROM" "step $STEP_NUMBER/$STEP_COUNT ${STEP//_/ }"
    "$STEP"
    printf '== step %d/%d done in %d s\n' "$STEP_NUMBER" "$STEP_COUNT" $((SECONDS - began))
  done
}

# step_progress DONE TOTAL MESSAGE: progress inside the present step.
step_progress() {
  progress $((PROGRESS_FROM + (PROGRESS_TO - PROGRESS_FROM) * $1 / ($2 > 0 ? $2 : 1))) "$3"
}

# start_steps STATE: the state under which progress is reported.
start_steps() {
  STATE=$1
  trap 'note_failed_command $? $LINENO "$BASH_COMMAND"' ERR
  trap report_end EXIT
  trap 'exit 143' TERM INT HUP
  start_reporting
}

# Nothing on the machine is touched before the controller knows that it is being worked on.
report_start() {
  notify "$STATE" 0 || fail "the controller did not take the state $STATE"
}

# The clock of a machine that was never set up can be years off: file times and certificates need better.
set_clock() {
  local date
  date=$(curl --silent --show-error --max-time 10 --output /dev/null --dump-header - "$CONTROLLER_URL" |
    sed -n 's/^[Dd]ate: *//p' | tr -d '\r' | tail -n 1)
  [[ $date ]] || fail "the controller at $CONTROLLER_URL sent no date to set the clock by"
  date --utc --set "$date"
}
