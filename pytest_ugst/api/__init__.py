"""The public functions beside the records: simulate, judge, and runs as objects, without pytest.

Users reach them through :mod:`pytest_ugst`; nothing in the package imports from here.
"""
