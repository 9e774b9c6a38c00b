#!/bin/bash
# Starts what the image stands in for, from the same variables and arguments as the real one.
set -eu
case "$STAND_IN" in
postgres)
    chown postgres: /var/lib/postgresql/data
    as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
    if [ ! -e /var/lib/postgresql/data/PG_VERSION ]; then
        as_postgres initdb -D /var/lib/postgresql/data -U "$POSTGRES_USER" --auth-local=trust --auth-host=scram-sha-256 2>&1 >/dev/null
        echo "host all all all scram-sha-256" >>/var/lib/postgresql/data/pg_hba.conf
        as_postgres pg_ctl -D /var/lib/postgresql/data -w -o "-c listen_addresses=''" start >/dev/null
        as_postgres createdb -U "$POSTGRES_USER" "$POSTGRES_DB"
        as_postgres psql -q -U "$POSTGRES_USER" "$POSTGRES_DB" <<<"ALTER USER $POSTGRES_USER PASSWORD '$POSTGRES_PASSWORD'"
        as_postgres pg_ctl -D /var/lib/postgresql/data -w stop >/dev/null
    fi
    [ "${1:-}" != postgres ] || shift
    exec setpriv --reuid=postgres --regid=postgres --clear-groups postgres -D /var/lib/postgresql/data -c "listen_addresses=*" "$@"
    ;;
redis)
    chown redis: /data
    cd /data
    [ "${1:-}" = redis-server ] && shift
    exec setpriv --reuid=redis --regid=redis --clear-groups redis-server --protected-mode no "$@"
    ;;
nginx)
    for script in /docker-entrypoint.d/*.sh; do "$script"; done
    exec nginx -g "daemon off;"
    ;;
esac
