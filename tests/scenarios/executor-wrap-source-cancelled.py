# area: executor
# behaviour: A source that is cancelled cancels the wrapper a turn later, and whoever awaits it.
import asyncio
import concurrent.futures


async def waiter(source):
    try:
        await asyncio.wrap_future(source)
    except asyncio.CancelledError:
        print("waiter cancelled")
        raise


async def main():
    source = concurrent.futures.Future()
    wrapped = asyncio.wrap_future(source)
    task = asyncio.create_task(waiter(source))
    await asyncio.sleep(0)
    print("cancel=%d again=%d" % (source.cancel(), source.cancel()))
    print("at once wrapper=%d" % wrapped.cancelled())
    await asyncio.sleep(0)
    print("a turn later wrapper=%d" % wrapped.cancelled())
    await asyncio.wait([task])
    print("task cancelled=%d" % task.cancelled())


asyncio.run(main())
