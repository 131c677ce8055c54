# area: executor
# behaviour: A pool or a default executor that was shut down refuses, whatever is set later; other pools go on.
import asyncio
import concurrent.futures


def attempt(loop, pool, name):
    try:
        return loop.run_in_executor(pool, int)
    except RuntimeError as e:
        print("%s: %s" % (name, e))


async def main():
    loop = asyncio.get_running_loop()
    pool = concurrent.futures.ThreadPoolExecutor(1)
    other = concurrent.futures.ThreadPoolExecutor(1)
    await loop.run_in_executor(pool, int)
    pool.shutdown()
    attempt(loop, pool, "pool")
    pool.shutdown()
    await attempt(loop, None, "default")
    await loop.shutdown_default_executor()
    attempt(loop, None, "default")
    loop.set_default_executor(other)
    attempt(loop, None, "replaced")
    await attempt(loop, other, "other")
    print("other still works")
    await loop.shutdown_default_executor()
    attempt(loop, other, "other")


asyncio.run(main())
