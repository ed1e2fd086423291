"""Who may do what to the server itself: administrators, their access keys, and whether an action is allowed."""
