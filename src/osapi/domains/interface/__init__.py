"""Network interfaces of a host: what they are, and their configuration by netplan."""
