"""Identity pools: any login, or none, becomes an identity with a stable id, and the identity a role's permissions."""
