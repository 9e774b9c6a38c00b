#!/bin/bash
# Makes stand-ins for the base images of Dockerfile and docker-compose.yml from Debian packages, for machines that reach
# no image registry: the same names, the same users, entrypoints that take the same variables and arguments.
#
# usage: standins.sh FOLDER MIRROR     FOLDER keeps the bootstrapped system for the next time
set -euo pipefail
folder="$1" mirror="$2" here="$(dirname "$0")"
mkdir -p "$folder"

if [ ! -e "$folder/done" ]; then
    rm -rf "$folder/root"
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates trixie "$folder/root" "$mirror" >"$folder/log" ||
        { tail -20 "$folder/log" >&2; exit 1; }
    ln -sf python3 "$folder/root/usr/bin/python"
    # What this machine trusts, for package registries behind a proxy of its own.
    cp -L /etc/ssl/certs/ca-certificates.crt "$folder/root/etc/ssl/certs/"
    rm -rf "$folder/root/var/cache/apt/archives"/*.deb
    touch "$folder/done"
fi

have() { podman image exists "$1"; }
have docker.io/library/python:3.13-slim || tar -C "$folder/root" -c . | podman import -q - docker.io/library/python:3.13-slim

for name in postgres:17-alpine redis:7-alpine nginx:1.28-alpine; do
    have "docker.io/library/$name" || podman build -q --isolation chroot --network host --build-arg "program=${name%%:*}" \
        --tag "docker.io/library/$name" --file "$here/Containerfile" "$here"
done
