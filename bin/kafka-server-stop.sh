#!/bin/sh
# Asks the servers of this installation to stop (SIGTERM, or what SIGNAL says):
# kafka-server-stop.sh [--process-role=broker|controller] [--node-id=N]
# Servers are found by their command line, as Kafka's own script finds its processes; with a role or an id only those
# whose properties file says so are asked. Both given: the id decides.
signal=${SIGNAL:-TERM}
role=''
id=''
for argument in "$@"; do
  case $argument in
    --process-role=*) role=${argument#*=} ;;
    --node-id=*) id=${argument#*=} ;;
    *)
      echo "Unknown argument $argument: --process-role=ROLE and --node-id=N are known." >&2
      exit 1
      ;;
  esac
done
if [ -n "$role" ] && [ -n "$id" ]; then
  echo 'Both node-id and process-role are given: only node-id counts.'
fi

self=$0
case $0 in */*) [ ! -L "$0" ] ;; *) false ;; esac || self=$(readlink -f "$0" 2> /dev/null || echo "$0")
base=$(CDPATH='' cd -P "${self%/*}/.." && pwd) || exit 1

# Process id and command line of every server of this installation.
servers=$(ps -A -o pid= -o args= | grep -F "$base/dist/cli/server-start.js" | grep -v grep)

# The value of a key for a command line: of --override, else of the properties file, else what a start without one takes.
property() {
  value=$(printf '%s\n' "$1" | sed -n "s/.*--override[= ]$2=\([^ ]*\).*/\1/p")
  file=''
  for word in ${1#*server-start.js}; do
    case $word in
      -*) break ;;
      *) file=$word && break ;;
    esac
  done
  if [ -n "$value" ]; then
    echo "$value"
  elif [ -z "$file" ]; then
    [ "$2" = node.id ] && echo 1 || echo 'broker,controller'
  elif [ -f "$file" ]; then
    sed -n "s/^[[:space:]]*$2[[:space:]]*[=:][[:space:]]*//p" "$file" | tail -n 1 | tr -d '[:space:]'
  else
    echo "Cannot read the configuration of: $1" >&2
  fi
}

pids=''
if [ -n "$servers" ]; then
  while read -r pid command; do
    if [ -n "$id" ]; then
      [ "$(property "$command" node.id)" = "$id" ] || continue
    elif [ -n "$role" ]; then
      case ",$(property "$command" process.roles)," in
        *",$role,"*) ;;
        *) continue ;;
      esac
    fi
    pids="$pids $pid"
  done << END
$servers
END
fi

if [ -z "$pids" ]; then
  echo 'No kafka server to stop'
  exit 1
fi
# shellcheck disable=SC2086
kill -s "$signal" $pids
