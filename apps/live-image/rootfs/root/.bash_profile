# shellcheck shell=bash
PS1='dodai-live:\w# '
cat <<'TEXT'

Root shell of the dodai live image. The log: /run/dodai/install.log   Try again: /usr/lib/dodai/provision
TEXT
