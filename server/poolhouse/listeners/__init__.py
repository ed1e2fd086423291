"""Who listens to what happens: the audit log and the counters. Nothing but the composition root imports them."""
