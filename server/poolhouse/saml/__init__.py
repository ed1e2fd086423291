"""SAML 2.0 as a protocol: messages read and written, every check of a relying party; no pool and no database here."""
