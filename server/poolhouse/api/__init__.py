"""The AWS-compatible API: one function for each official operation, reached only through `perform.perform`."""
