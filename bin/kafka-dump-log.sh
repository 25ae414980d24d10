#!/bin/sh
self=$0
case $0 in */*) [ ! -L "$0" ] ;; *) false ;; esac || self=$(readlink -f "$0" 2> /dev/null || echo "$0")
exec "${self%/*}/klamm-run.sh" main kafka-dump-log "$@"
