"""The nouns: tasks, runs, events, records, and the algebra of conditions."""
