"""Kernel parameters that survive a restart, one file in /etc/sysctl.d each."""
