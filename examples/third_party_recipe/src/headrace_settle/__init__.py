"""An example of a package that brings a recipe to headrace."""
