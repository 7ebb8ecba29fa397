"""Lets the client of 2016 be imported by a Python of today: it uses names that moved, and an argument that is gone.

Python runs this file by itself before anything else, so neither the client nor its tests are touched.
"""
import collections
import collections.abc

for _name in collections.abc.__all__:
    if not hasattr(collections, _name):
        setattr(collections, _name, getattr(collections.abc, _name))

_namedtuple = collections.namedtuple


def _namedtuple_without_verbose(*arguments, **options):
    options.pop("verbose", None)
    return _namedtuple(*arguments, **options)


collections.namedtuple = _namedtuple_without_verbose
