"""The web page: its files, and the server of `rocketctl web`; in Cockpit, the same files are a page of Cockpit's."""
