"""The hosted pages (managed login): sign-in, sign-up, recovery, second factors, as plain HTML forms."""
