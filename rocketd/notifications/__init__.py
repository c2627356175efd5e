"""How people are told: the queue of what has to be delivered, hooks, and requests to other servers."""
