#!/bin/sh
# workerd, for Miniflare. Each request writes a line: that it does is part of the service, and what a simulator on a
# developer's machine does with the line is not, so that nobody reads it.
exec "$CARREL_BENCH_WORKERD" "$@" >/dev/null
