"""Certificate authorities that the host trusts."""
