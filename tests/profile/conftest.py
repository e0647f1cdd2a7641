"""The recipe that trials are tested with."""

from trial.conftest import recipe as recipe
