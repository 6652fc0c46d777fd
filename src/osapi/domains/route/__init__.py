"""Routes of a host: what the kernel has, and static ones in netplan, per interface."""
