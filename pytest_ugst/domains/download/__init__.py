"""Downloading the data sets that domains work with: pinned, verified, unpacked."""
