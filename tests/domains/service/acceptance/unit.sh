# A service of the distribution, as it were: neither running nor enabled.
set -e
cat >/usr/lib/systemd/system/osproof.service <<'TEXT'
[Unit]
Description=OSAPI proof
[Service]
ExecStart=/bin/sleep infinity
ExecReload=/usr/bin/touch /run/osproof.reloaded
[Install]
WantedBy=multi-user.target
TEXT
rm -f /run/osproof.reloaded
systemctl daemon-reload
systemctl unmask --quiet osproof
systemctl disable --quiet --now osproof
