"""Copies run records to another repository, through a transactional outbox."""
