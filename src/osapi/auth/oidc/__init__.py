"""Bearer tokens of another issuer (OpenID Connect): its keys by discovery, its claims mapped to roles.

Imported only when the settings name an issuer; needs the extra `oidc` (httpx2 and cryptography).
"""
