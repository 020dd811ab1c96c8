"""The routes of the REST API: one table, by which requests are dispatched and described."""
