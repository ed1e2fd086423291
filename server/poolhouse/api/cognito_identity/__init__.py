"""The operations of Amazon Cognito identity pools, a family a module."""
