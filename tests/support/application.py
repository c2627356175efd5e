"""Running an application to its end, which is the application's own to bring about."""

import threading

from rocketd import Rocketd


def run(app: Rocketd, seconds: float = 15) -> None:
    """Run it, and give up at last."""
    timer = threading.Timer(seconds, lambda: app.session.shut_down(force=True))
    timer.daemon = True
    timer.start()
    try:
        app.run()
        assert timer.is_alive(), "it had to be stopped"
    finally:
        timer.cancel()
