"""What a run is told: typed, checked, composed, and known again by its fingerprint."""
