"""What proves who somebody is: passwords, SRP, codes, TOTP, and the lock-out that guards them all."""
