#!/bin/sh
# Started by the proxy's image before nginx: the container's name server, asked again every second. The first one only:
# nginx would ask several in turn, and those after it know nothing of this network's names.
# UPSTREAM_DOMAIN ends the names of the servers behind, where only whole names are known: .gateway.svc.cluster.local
set -eu
mkdir -p /etc/nginx/gateway.d
server="$(awk '/^nameserver/ { print ($2 ~ /:/) ? "[" $2 "]" : $2; exit }' /etc/resolv.conf)"
cat >/etc/nginx/gateway.d/resolver.conf <<EOF
resolver $server valid=1s ipv6=off;
set \$domain "${UPSTREAM_DOMAIN:-}";
EOF
