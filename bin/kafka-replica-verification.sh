#!/bin/sh
self=$(readlink -f "$0" 2> /dev/null || echo "$0")
exec "${self%/*}/klamm-run.sh" main kafka-replica-verification "$@"
