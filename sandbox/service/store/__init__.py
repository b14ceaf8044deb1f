"""What a service keeps: rows in a database, contents in files."""
