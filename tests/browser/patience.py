"""How browser tests wait: until something is true, however slow the page or the test may be.

A page shows what follows from an input some time after the input, and a test looks at it some time
after that. So an assertion on what becomes true tries again until it holds:

    expect(view.part("epoch")).to_have_text("epoch 2")

And what must not happen is looked for after something has proved that its time is over.
"""

PATIENCE = 120_000  # ms; only a test that fails waits so long


def expect(locator):
    """Give Playwright's assertions about a locator, which try again for as long as PATIENCE."""
    # tests are collected also where Playwright is not installed, and then skip
    from playwright import sync_api

    sync_api.expect.set_options(timeout=PATIENCE)
    return sync_api.expect(locator)


def let_time_pass(page, milliseconds=500):
    """Wait until the page has had this time, and then has drawn two frames.

    What a page had planned for sooner has then happened.
    """
    page.evaluate(
        """(wait) => new Promise((done) => setTimeout(
          () => requestAnimationFrame(() => requestAnimationFrame(done)), wait))""",
        milliseconds,
    )
