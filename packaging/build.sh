#!/usr/bin/env bash
# build.sh PYTHON [VERSION]: a Debian package of OSAPI with its pinned dependencies in dist/, for this architecture and
# the minor version of PYTHON, which is Debian's own. Nothing is fetched when it is installed. Called by `./dev package`.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
python=$1
tools=$ROOT/.venv/bin
version=${2:-$("$tools/python" -c 'import osapi; print(osapi.__version__)')}
arch=$(dpkg --print-architecture)
work=$ROOT/build/deb
tree=$work/tree
HOME_OF_IT=/opt/osapi
UNITS=$tree/usr/lib/systemd/system

# Hashes are checked. uv takes what it has fetched before.
install_packages() {
    if command -v uv >/dev/null; then
        uv pip install --quiet --link-mode copy --python "$tree$HOME_OF_IT/bin/python" "$@"
    else
        "$tools/python" -m pip --quiet --disable-pip-version-check --python "$tree$HOME_OF_IT/bin/python" install --no-compile "$@"
    fi
}

# A venv knows where it is by the first lines of its programs alone; those are set to where it will be.
program() {
    "$python" -m venv --without-pip "$tree$HOME_OF_IT"
    "$tools/python" -m pip --quiet --disable-pip-version-check wheel --no-deps --no-build-isolation --wheel-dir "$work" .
    install_packages --require-hashes -r requirements/osapi.lock
    install_packages --no-deps "$work"/osapi-*.whl
    rm -f "$tree$HOME_OF_IT"/bin/[Aa]ctivate*
    grep -rIl "$tree" "$tree$HOME_OF_IT/bin" "$tree$HOME_OF_IT/pyvenv.cfg" | xargs sed -i "s|$tree||g"
    "$python" -m compileall -q -s "$tree" "$tree$HOME_OF_IT/lib"
    mkdir -p "$tree/usr/bin"
    ln -s "$HOME_OF_IT/bin/osapi" "$tree/usr/bin/osapi"
}

unit() {
    "$tools/python" -c "from osapi.install import units; print(units.$1, end='')" >"$UNITS/$2.service"
}

system() {
    mkdir -p "$UNITS" "$tree/usr/lib/sysusers.d" "$tree/etc/osapi"
    unit "broker('$HOME_OF_IT/bin/osapi')" osapi-nats
    unit "controller('$HOME_OF_IT/bin/osapi')" osapi-controller
    unit "agent('$HOME_OF_IT/bin/osapi', None)" osapi-agent
    echo 'u osapi - "OSAPI broker and controller" /var/lib/osapi /usr/sbin/nologin' >"$tree/usr/lib/sysusers.d/osapi.conf"
    "$tools/python" -c "from osapi.install.wanted import SETTINGS_TEXT; print(SETTINGS_TEXT, end='')" >"$tree/etc/osapi/osapi.yaml"
}

control() {
    local minor
    minor=$("$python" -c 'import sys; print(sys.version_info.minor)')
    mkdir -p "$tree/DEBIAN"
    echo /etc/osapi/osapi.yaml >"$tree/DEBIAN/conffiles"
    install -m 755 packaging/debian/{postinst,prerm,postrm} "$tree/DEBIAN/"
    cat >"$tree/DEBIAN/control" <<TEXT
Package: osapi
Version: $version
Architecture: $arch
Maintainer: OSAPI <osapi@example.org>
Depends: python3 (>= 3.$minor~), python3 (<< 3.$((minor + 1))~), systemd
Recommends: sudo
Section: admin
Priority: optional
Installed-Size: $(du -sk "$tree" | cut -f1)
Description: manage Linux hosts through a REST API
 Controller, broker and agent in one package, with their Python dependencies in $HOME_OF_IT.
 None of the three is started before it is asked for: osapi controller install,
 osapi nats server install, osapi agent install.
TEXT
}

rm -rf "$work"
mkdir -p "$work" dist
program
system
control
umask 022
chmod -R u=rwX,go=rX "$tree"
chmod 755 "$tree"/DEBIAN/*inst "$tree"/DEBIAN/*rm
dpkg-deb --root-owner-group -Zxz -z1 --build "$tree" "dist/osapi_${version}_$arch.deb" >/dev/null
rm -rf "$work"
echo "dist/osapi_${version}_$arch.deb"
