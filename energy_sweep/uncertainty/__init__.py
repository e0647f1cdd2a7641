"""How sure a number is: errors of sums, intervals of proportions and means."""
