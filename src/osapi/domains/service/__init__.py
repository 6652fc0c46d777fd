"""Services of systemd(1)."""
