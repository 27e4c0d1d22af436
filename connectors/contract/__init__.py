"""What every connector gives and raises: plain types, few errors, small protocols. Pure: standard library only."""
