"""May this subject do this? The permissions of users and clients of a pool, put together and asked."""
