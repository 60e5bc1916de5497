"""Training scripts of the small reference models that ship in the package; not part of the wheel."""
