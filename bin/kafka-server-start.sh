#!/bin/sh
# Starts a node: kafka-server-start.sh [-daemon] server.properties [--override property=value]*
# -daemon detaches it; its output goes to LOG_DIR/kafkaServer.out (LOG_DIR: logs in the installation, unless set).
usage() {
  echo "USAGE: $0 [-daemon] server.properties [--override property=value]*"
  exit 1
}
[ $# -ge 1 ] || usage
self=$0
case $0 in */*) [ ! -L "$0" ] ;; *) false ;; esac || self=$(readlink -f "$0" 2> /dev/null || echo "$0")
bin=${self%/*}

if [ "$1" != "-daemon" ]; then
  exec "$bin/klamm-run.sh" server-start "$@"
fi
shift
[ $# -ge 1 ] || usage
logs=${LOG_DIR:-$bin/../logs}
mkdir -p "$logs" || exit 1
# A session of its own where the system has setsid: closing the terminal must not end the server.
detach=nohup
if command -v setsid > /dev/null 2>&1; then detach='nohup setsid'; fi
$detach "$bin/klamm-run.sh" server-start "$@" > "$logs/kafkaServer.out" 2>&1 < /dev/null &
