"""The all-in-ones that ``make lab`` and ``make lab-vxlan`` start."""
