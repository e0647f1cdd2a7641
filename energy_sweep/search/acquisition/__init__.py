"""Which candidate buys the most front per joule: what is believed of accuracies, what a measurement
is expected to add to the front, and what it takes beyond what the store holds."""
