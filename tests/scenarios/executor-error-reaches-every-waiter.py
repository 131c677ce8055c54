# area: executor
# behaviour: A job's error reaches everyone who awaits it, again and again, and is nobody's unretrieved one.
import asyncio


def job():
    raise ValueError("no tea")


async def waiter(name, future):
    try:
        await future
    except ValueError as e:
        print("%s: %s" % (name, e))


async def main():
    loop = asyncio.get_running_loop()
    future = loop.run_in_executor(None, job)
    await asyncio.gather(waiter("first", future), waiter("second", future))
    await waiter("third", future)
    print("cancel=%d done=%d cancelled=%d" % (future.cancel(), future.done(), future.cancelled()))


asyncio.run(main())
