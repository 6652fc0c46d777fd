"""Who may work in the fleet: join tokens, requests to be enrolled, accepted and revoked keys."""
