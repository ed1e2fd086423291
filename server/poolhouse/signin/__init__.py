"""The sign-in engine: one state machine behind the API, the administrators' API and the hosted pages.

Owns the order of factors and the attempts; knows neither HTTP nor tokens. Steps never send people to one another:
each returns here, and ``what_next`` alone decides.
"""

from poolhouse.signin.outcome import Challenge, Entrance, Outcome, SignedIn

__all__ = ["Challenge", "Entrance", "Outcome", "SignedIn"]
