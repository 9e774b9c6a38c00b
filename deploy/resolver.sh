#!/bin/sh
# Started by the proxy's image before nginx: the container's name server, asked again every second. The first one only:
# nginx would ask several in turn, and those after it know nothing of this network's names.
set -eu
mkdir -p /etc/nginx/gateway.d
server="$(awk '/^nameserver/ { print ($2 ~ /:/) ? "[" $2 "]" : $2; exit }' /etc/resolv.conf)"
echo "resolver $server valid=1s ipv6=off;" >/etc/nginx/gateway.d/resolver.conf
