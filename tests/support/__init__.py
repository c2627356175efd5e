"""What the tests share: builders, fakes, servers, and the worlds that tests run in."""
