"""as_completed at its edges."""
import asyncio


async def work(name, ms, error=None):
    await asyncio.sleep(ms / 1000)
    if error:
        raise error
    return name


async def ask(label, aw):
    try:
        print(label, await aw)
    except BaseException as e:
        print(label, type(e).__name__)


async def main():
    loop = asyncio.get_running_loop()

    # Nothing to follow.
    print("empty", len(list(asyncio.as_completed([]))))

    # Duplicates count once.
    t = asyncio.create_task(work("once", 1))
    print("duplicates", len(list(map(lambda c: c.close(), asyncio.as_completed([t, t])))))
    await t

    # All are done before: still one by one, in the order given.
    f = loop.create_future()
    f.set_result("done")
    for c in asyncio.as_completed([f]):
        await ask("before", c)

    # A cancelled member takes its turn.
    f = loop.create_future()
    loop.call_later(0.01, f.cancel)
    g = loop.create_future()
    loop.call_later(0.02, g.set_result, "second")
    for c in asyncio.as_completed([f, g]):
        await ask("next", c)

    # Several tasks ask at once; one of them is cancelled, and its turn goes to the next.
    askers = []
    for c in asyncio.as_completed([asyncio.create_task(work("a", 10)),
                                   asyncio.create_task(work("b", 20)),
                                   asyncio.create_task(work("c", 30))]):
        askers.append(asyncio.create_task(c))
    await asyncio.sleep(0)
    askers[0].cancel()
    for n, a in enumerate(askers):
        await ask("asker %d" % n, a)

    # The limit cuts off two.
    tasks = [asyncio.create_task(work("fast", 1)), asyncio.create_task(work("slow", 50)),
             asyncio.create_task(work("slower", 60))]
    for c in asyncio.as_completed(tasks, timeout=0.02):
        await ask("limit", c)
    print("done", [t.done() for t in tasks])

    # A limit on one step, not on all: the task goes on, its end comes at the next.
    t = asyncio.create_task(work("patient", 20))
    for c in asyncio.as_completed([t]):
        await ask("step", asyncio.wait_for(c, 0.005))
    print("patient", await t)


asyncio.run(main())
