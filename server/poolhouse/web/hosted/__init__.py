"""The hosted pages (managed login): sign-in, sign-up, recovery, second factors, as plain HTML forms."""

from poolhouse.web.hosted import upstream, views
from poolhouse.web.hosted.blueprint import blueprint

__all__ = ["blueprint", "upstream", "views"]
