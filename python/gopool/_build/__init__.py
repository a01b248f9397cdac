"""Building Go packages for Python: `gopool build`, and gopool's own extension.

The build backend in python/build imports from here what both need, so that there is one way to find
Go and one way to call gopy. Nothing else of gopool imports this package.
"""
