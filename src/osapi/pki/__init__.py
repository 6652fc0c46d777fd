"""Keys: Ed25519 key pairs of controller and agents, signatures with a purpose, and nkeys for the broker."""
