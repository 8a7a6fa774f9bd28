"""Domains: the tools, data and policies that agents work with, and the parts they are built of."""
