"""The least work that each answer of the server can possibly cost: what its speed is measured against."""
