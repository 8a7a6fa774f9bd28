"""Conversations that others recorded, read into our own records."""
