"""What a provider says of somebody becomes attributes of their profile: pure."""
