#!/bin/sh
# Asks this user's Klamm servers to stop (SIGTERM, or what SIGNAL says):
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

# Process id and command line of every server.
servers=$(ps -A -o pid= -o args= | grep 'dist/cli/server-start\.js' | grep -v grep)

# The value of a key in the properties file that a command line names; the last one in the file counts.
property() {
  file=''
  for word in $1; do
    case $word in
      *.properties | *.conf) file=$word ;;
    esac
  done
  if [ -z "$file" ] || [ ! -f "$file" ]; then
    echo "Cannot read the configuration of: $1" >&2
    exit 1
  fi
  sed -n "s/^[[:space:]]*$2[[:space:]]*[=:][[:space:]]*//p" "$file" | tail -n 1 | tr -d '[:space:]'
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
