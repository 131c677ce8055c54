# area: executor
# behaviour: A job that raises CancelledError fails its future; whoever awaits it counts as cancelled.
import asyncio
import concurrent.futures


def job():
    raise concurrent.futures.CancelledError("by hand")


async def waiter(future):
    try:
        await future
    except asyncio.CancelledError:
        print("waiter sees CancelledError")
        raise


async def main():
    loop = asyncio.get_running_loop()
    future = loop.run_in_executor(None, job)
    task = asyncio.create_task(waiter(future))
    await asyncio.wait([task])
    print("future cancelled=%d" % future.cancelled())
    print("task cancelled=%d" % task.cancelled())


asyncio.run(main())
