"""STS: who am I, and credentials of a role in exchange for credentials or a token."""
