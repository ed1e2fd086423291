"""The web fronts: the AWS API, the OAuth endpoints, the hosted pages, the console. Siblings: none imports another."""
