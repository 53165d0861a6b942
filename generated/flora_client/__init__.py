"""The FLORA API. Generated; not edited by hand."""
