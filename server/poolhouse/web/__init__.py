"""The web fronts: the AWS-compatible API, the OAuth endpoints, the hosted pages, the console. Siblings: none imports another."""
