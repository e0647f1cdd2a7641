"""`python -m energy_sweep`."""

import sys

from energy_sweep.app.main import main

sys.exit(main())
