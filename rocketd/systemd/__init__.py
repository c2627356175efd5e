"""What the service manager and its journal offer, and the terminal that stands in for them."""
