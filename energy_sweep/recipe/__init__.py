"""What a trial is made of, how its net is run, and the chain of stages that it needs."""

from __future__ import annotations

from energy_sweep.recipe.checks import check as check
from energy_sweep.recipe.checks import check_dials as check_dials
from energy_sweep.recipe.checks import check_parts as check_parts
from energy_sweep.recipe.recipe import GPU_PRECISIONS as GPU_PRECISIONS
from energy_sweep.recipe.recipe import PARTS as PARTS
from energy_sweep.recipe.recipe import Recipe as Recipe
from energy_sweep.recipe.recipe import device_spec as device_spec
from energy_sweep.recipe.recipe import images_spec as images_spec
from energy_sweep.recipe.recipe import indexed_seed as indexed_seed
from energy_sweep.recipe.recipe import of_one_process as of_one_process
from energy_sweep.recipe.recipe import replace as replace
from energy_sweep.recipe.recipe import spec as spec
from energy_sweep.recipe.recipe import without as without
