"""Accounts of a host, and the SSH keys that open them."""
