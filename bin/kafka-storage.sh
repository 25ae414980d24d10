#!/bin/sh
# Prepares log directories and shows what is in them: kafka-storage.sh --help.
self=$0
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in
    /*) self=$link ;;
    *) self=$(dirname "$self")/$link ;;
  esac
done
bin=$(CDPATH='' cd -P "$(dirname "$self")" && pwd) || exit 1

exec "$bin/klamm-run.sh" storage "$@"
