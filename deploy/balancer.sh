#!/bin/sh
# Started by the proxy's image before nginx. BALANCER_NETWORKS are those of a balancer or Ingress that ends HTTPS before this
# proxy, and that alone reaches it: the client's address is what it says, and the client came by HTTPS. Empty: there is none.
set -eu
[ -n "${BALANCER_NETWORKS:-}" ] || exit 0
mkdir -p /etc/nginx/gateway.d
{
    for network in $BALANCER_NETWORKS; do echo "set_real_ip_from $network;"; done
    echo 'real_ip_header X-Forwarded-For;'
    echo 'real_ip_recursive on;'
    echo 'set $forwarded_proto https;'
} >/etc/nginx/gateway.d/balancer.conf
