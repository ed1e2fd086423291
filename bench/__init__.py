"""Poolhouse's speed, as ratios to what this machine can do at best, measured in the same run."""
