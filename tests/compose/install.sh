# What a stand-in for $1 needs.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
case "$1" in
postgres)
    apt-get -qq install -y --no-install-recommends postgresql >/dev/null
    ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/
    install -d -o postgres -g postgres /var/lib/postgresql/data /run/postgresql
    ;;
redis)
    apt-get -qq install -y --no-install-recommends redis-server >/dev/null
    install -d -o redis -g redis /data
    ;;
nginx)
    apt-get -qq install -y --no-install-recommends nginx-light wget >/dev/null
    rm -rf /etc/nginx/sites-enabled /etc/nginx/modules-enabled
    ;;
esac
rm -rf /var/lib/apt/lists /var/cache/apt
