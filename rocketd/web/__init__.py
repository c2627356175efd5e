"""HTTP over the administrator's verbs: on a unix socket, to those whom the kernel vouches for."""
