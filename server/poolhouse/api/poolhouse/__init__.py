"""The operations that Cognito does not have, as a service of their own."""
