"""What an axis does to accuracy and joules, matched on all else, and claims held against that."""
