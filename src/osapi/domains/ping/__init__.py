"""Whether a host reaches an address, and how fast."""
