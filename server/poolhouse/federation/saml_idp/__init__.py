"""Acting as a SAML identity provider: app clients that are service providers, and what they are told of people."""
