"""IAM: roles, users, managed policies, OpenID Connect providers, and what-if questions."""
