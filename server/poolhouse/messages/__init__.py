"""Words to people: what is sent on which occasion, in whose words, and by which carrier it leaves."""
