"""How many standard errors an interval reaches."""

from __future__ import annotations

from statistics import NormalDist

#: Half the width of a 95 % interval in standard errors: of a normal distribution's mass, 95 % lies within so many
#: standard deviations.
Z_95 = NormalDist().inv_cdf(0.975)
