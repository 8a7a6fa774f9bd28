"""Goal files in and out: schema, readers, writer, overrides, statistics."""
