#!/bin/sh
# Runs one of Klamm's entries (first argument: its name in dist/cli) with the other arguments.
# The scripts beside this file go through it; each follows its own links first, so that this one is called by its real path.
# A folder that is a link has another one above it than its name says. Else a shell of its own would only cost time.
base=${0%/*}/..
[ ! -L "${0%/*}" ] || base=$(CDPATH='' cd -P "$base" && pwd) || exit 1

node=${KLAMM_NODE:-node}
if ! command -v "$node" > /dev/null 2>&1; then
  echo "Klamm needs Node.js 20.19 or later: no '$node' on the PATH (KLAMM_NODE may name one)." >&2
  exit 1
fi
entry=$1
shift
if [ ! -f "$base/dist/cli/$entry.js" ]; then
  echo "$(CDPATH='' cd "$base" && pwd) is not built yet: run 'npm run build' there." >&2
  exit 1
fi
# Node reads these certificates before it does anything else, 80 ms for the list of a usual system, whoever needs them or not.
# Under this name they are read by the first connection with TLS that names no authorities.
if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
  export KLAMM_EXTRA_CA_CERTS="$NODE_EXTRA_CA_CERTS"
  unset NODE_EXTRA_CA_CERTS
fi
# KLAMM_OPTS is for options of Node itself.
# shellcheck disable=SC2086
exec "$node" ${KLAMM_OPTS:-} "$base/dist/cli/$entry.js" "$@"
