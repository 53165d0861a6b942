"""Renderings that several rooms share."""
