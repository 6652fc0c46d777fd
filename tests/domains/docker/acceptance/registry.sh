# A registry at 127.0.0.1:5000 that has the image team/probe:1.
set -e
systemctl is-active --quiet osproof-registry && exit
mkdir -p /srv/registry/blobs /srv/registry/manifests/team/probe
cd /srv/registry
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$CHECKOUT/tests/acceptance python3 - <<'TEXT'
from pathlib import Path

import registry

manifest, blobs = registry.image({"etc/motd": b"welcome"}, ["sleep", "1"])
for digest, content in blobs.items():
    Path("blobs", digest).write_bytes(content)
Path("manifests/team/probe/1").write_bytes(manifest)
TEXT
systemd-run --quiet --collect --unit=osproof-registry python3 "$CHECKOUT/tests/acceptance/registry.py" 5000 /srv/registry
timeout 20 sh -c 'until curl -s http://127.0.0.1:5000/v2/ >/dev/null; do sleep 0.1; done'
