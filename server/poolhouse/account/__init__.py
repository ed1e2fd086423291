"""What people and administrators do to an account: sign up, confirm, recover, change, and leave."""
