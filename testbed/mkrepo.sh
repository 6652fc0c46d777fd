#!/usr/bin/env bash
# mkrepo.sh DIR: a flat apt repository in DIR with one tiny package, osapi-probe, in versions 1.0 and 1.1.
#
# The package has a program, a configuration file and a unit: enough to install, upgrade, keep changed
# configuration, purge, start and stop. Used with: deb [trusted=yes] file:/srv/repo ./
set -euo pipefail

repo=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() {
    local version=$1 tree=$work/$1
    mkdir -p "$tree"/{DEBIAN,usr/bin,etc,lib/systemd/system}
    cat >"$tree/DEBIAN/control" <<TEXT
Package: osapi-probe
Version: $version
Architecture: all
Maintainer: OSAPI test bed <testbed@example.org>
Section: misc
Priority: optional
Description: package for the tests of OSAPI
TEXT
    echo /etc/osapi-probe.conf >"$tree/DEBIAN/conffiles"
    echo "version=$version" >"$tree/etc/osapi-probe.conf"
    printf '#!/bin/sh\necho osapi-probe %s\n' "$version" >"$tree/usr/bin/osapi-probe"
    chmod 755 "$tree/usr/bin/osapi-probe"
    cat >"$tree/lib/systemd/system/osapi-probe.service" <<'TEXT'
[Unit]
Description=OSAPI probe
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
TEXT
    dpkg-deb --root-owner-group --build "$tree" "$repo/osapi-probe_${version}_all.deb" >/dev/null
}

index() {
    local deb
    for deb in *.deb; do
        dpkg-deb --field "$deb"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d' ' -f1)"
    done
}

mkdir -p "$repo"
build 1.0
build 1.1
cd "$repo"
index >Packages.new
mv Packages.new Packages
