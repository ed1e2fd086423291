"""User pools and all that is configured on them: app clients, domains, resource servers, schema, rules.

Owns no users: a pool's directory is ``poolhouse.users``.
"""
