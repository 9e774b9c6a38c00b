#!/bin/sh
# Started by the proxy's image before nginx: which of the formats in nginx.conf the access log has, by LOG_FORMAT.
set -eu
folder="${1:-/etc/nginx/gateway.d}"
mkdir -p "$folder"
case "${LOG_FORMAT:-text}" in
    text | json) echo "access_log /dev/stdout ${LOG_FORMAT:-text};" >"$folder/log-format.conf" ;;
    *) echo "LOG_FORMAT=$LOG_FORMAT is neither text nor json" >&2; exit 1 ;;
esac
