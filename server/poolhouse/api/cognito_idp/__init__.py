"""The operations of the user pools API, a module a family."""
