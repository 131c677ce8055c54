# area: executor
# behaviour: A cancel of the wrapper wins over a result that is on its way to it.
import asyncio
import concurrent.futures


async def main():
    source = concurrent.futures.Future()
    wrapped = asyncio.wrap_future(source)
    source.set_result(5)
    print("cancel=%d" % wrapped.cancel())
    try:
        await wrapped
    except asyncio.CancelledError:
        print("cancelled")
    await asyncio.sleep(0)
    print("source cancelled=%d result %d" % (source.cancelled(), source.result()))


asyncio.run(main())
