"""Words of no particular domain: errors, events, the unit of work, the database, clock, identifiers, sealing, JOSE."""
