#!/usr/bin/env bash
# mkrepo.sh DIR: a flat apt repository in DIR with two tiny packages, each in two versions.
#
# osapi-probe has a program, a configuration file and a unit: enough to install, upgrade, keep changed
# configuration, purge, start and stop. osapi-slow has scripts that wait while /run/osapi-slow.SCRIPT exists, so
# that dpkg can be ended in the middle of each; its second version wants osapi-probe besides.
# Used with: deb [trusted=yes] file:/srv/repo ./
set -euo pipefail

repo=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# control TREE NAME VERSION [FIELD...]
control() {
    mkdir -p "$1/DEBIAN"
    {
        printf '%s\n' "Package: $2" "Version: $3" "Architecture: all" "Section: misc" "Priority: optional" "${@:4}"
        echo "Maintainer: OSAPI test bed <testbed@example.org>"
        echo "Description: package for the tests of OSAPI"
    } >"$1/DEBIAN/control"
}

pack() {
    dpkg-deb --root-owner-group --build "$1" "$repo/$2_$3_all.deb" >/dev/null
}

probe() {
    local version=$1 tree=$work/probe-$1
    control "$tree" osapi-probe "$version"
    mkdir -p "$tree"/{usr/bin,etc,lib/systemd/system}
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
    pack "$tree" osapi-probe "$version"
}

slow() {
    local version=$1 tree=$work/slow-$1 script
    control "$tree" osapi-slow "$version" "${@:2}"
    mkdir -p "$tree/usr/share/osapi-slow"
    echo "$version" >"$tree/usr/share/osapi-slow/version"
    for script in preinst postinst prerm postrm; do
        printf '#!/bin/sh\nwhile [ -e /run/osapi-slow.%s ]; do sleep 0.05; done\n' "$script" >"$tree/DEBIAN/$script"
        chmod 755 "$tree/DEBIAN/$script"
    done
    pack "$tree" osapi-slow "$version"
}

index() {
    local deb
    for deb in *.deb; do
        dpkg-deb --field "$deb"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d' ' -f1)"
    done
}

mkdir -p "$repo"
probe 1.0
probe 1.1
slow 1.0
slow 2.0 "Depends: osapi-probe"
cd "$repo"
index >Packages.new
mv Packages.new Packages
