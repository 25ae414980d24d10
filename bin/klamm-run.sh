#!/bin/sh
# Runs one of Klamm's entries (first argument: its name in dist/cli) with the other arguments.
# The tools beside this file go through it; they may be called from any directory and through symbolic links.
self=$0
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in
    /*) self=$link ;;
    *) self=$(dirname "$self")/$link ;;
  esac
done
base=$(CDPATH='' cd -P "$(dirname "$self")/.." && pwd) || exit 1

node=${KLAMM_NODE:-node}
if ! command -v "$node" > /dev/null 2>&1; then
  echo "Klamm needs Node.js 20.19 or later: no '$node' on the PATH (KLAMM_NODE may name one)." >&2
  exit 1
fi
entry=$1
shift
if [ ! -f "$base/dist/cli/$entry.js" ]; then
  echo "$base is not built yet: run 'npm run build' there." >&2
  exit 1
fi
# KLAMM_OPTS is for options of Node itself.
# shellcheck disable=SC2086
exec "$node" ${KLAMM_OPTS:-} "$base/dist/cli/$entry.js" "$@"
