"""Traps: the wrong loop, oneself, ends asked for twice, as_completed's leftovers."""
import asyncio
from support import logs


def yes(x):
    return 'yes' if x else 'no'


def msg(e):
    return e.args[0] if e.args else 'none'


async def turns(n):
    for _ in range(n):
        await asyncio.sleep(0)


async def word(text, n=0):
    await turns(n)
    return text


async def long():
    await asyncio.sleep(60)


async def fail():
    raise ValueError('f')


async def wrong():
    other = asyncio.new_event_loop()
    f = other.create_future()
    t = other.create_task(word("other's"), name='others')
    for label, a in (('future', f), ('task', t)):
        try:
            await asyncio.create_task(take(a))
        except RuntimeError as e:
            print(label, 'RuntimeError')
    try:
        asyncio.gather(f, asyncio.get_running_loop().create_future())
        print('gathered')
    except ValueError:
        print('ValueError gather of two loops')
    print(sorted((x.get_name() for x in asyncio.all_tasks(other))), len(asyncio.all_tasks()))
    try:
        other.run_until_complete(t)
    except RuntimeError as e:
        print('RuntimeError', e)
    t.cancel()
    await turns(1)
    global left
    left = (other, t)


async def take(a):
    return await a


async def selves():
    async def self_await():
        try:
            await asyncio.current_task()
        except RuntimeError as e:
            print('RuntimeError self')
        await asyncio.sleep(0)
        return 'goes on'
    print(await asyncio.create_task(self_await()))
    async def self_wait_for():
        await asyncio.wait_for(asyncio.shield(asyncio.current_task()), 0.01)
    try:
        await asyncio.create_task(self_wait_for())
    except TimeoutError:
        print('TimeoutError shield of self')
    async def self_cancel_in_callback():
        t = asyncio.current_task()
        asyncio.get_running_loop().call_soon(t.cancel, 'soon')
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError as e:
            print('too early?', msg(e))
        print('after one turn')
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError as e:
            print('second', msg(e))
    await asyncio.create_task(self_cancel_in_callback())


async def completed():
    ends = asyncio.as_completed([word('slow', 4), word('fast', 1), fail()])
    for f in ends:
        try:
            print(await f)
        except ValueError as e:
            print('ValueError', e)
    a = asyncio.create_task(word('a', 1))
    b = asyncio.create_task(word('b', 5))
    for f in asyncio.as_completed([a, b]):
        print('first', await f)
        break
    print('b', yes(b.done()), await b)
    for f in asyncio.as_completed([a, b, a]):
        print('done already', await f in ('a', 'b'))
    for f in asyncio.as_completed([word('x', 3), long()], timeout=0.01):
        try:
            print(await f)
        except TimeoutError:
            print('TimeoutError')
    for f in asyncio.as_completed([]):
        print('never')
    c = asyncio.create_task(word('c', 6))
    for f in asyncio.as_completed([c]):
        t = asyncio.create_task(take(f))
        await turns(2)
        t.cancel('asker')
        try:
            await t
        except asyncio.CancelledError as e:
            print('asker cancelled', msg(e), yes(c.done()))
    print(await c)
    d = asyncio.create_task(long())
    asyncio.get_running_loop().call_soon(d.cancel, 'd')
    for f in asyncio.as_completed([d]):
        try:
            await f
        except asyncio.CancelledError as e:
            print('CancelledError', msg(e), asyncio.current_task().cancelling())


async def sleeps():
    loop = asyncio.get_running_loop()
    order = []
    async def s(name, t):
        await asyncio.sleep(t)
        order.append(name)
    await asyncio.gather(s('0.02', 0.02), s('0', 0), s('-1', -1), s('0.01', 0.01), s('0 again', 0))
    print(*order)
    before = loop.time()
    await asyncio.sleep(0.05)
    print('never early', loop.time() - before >= 0.05)
    t = asyncio.create_task(asyncio.sleep(0.01))
    await asyncio.sleep(0.05)
    print('done', yes(t.done()), yes(t.cancel()))
    loop.call_later(0.01, print, 'timer 1')
    await asyncio.sleep(0)
    loop.call_later(0.01, print, 'timer 2')
    await asyncio.sleep(0.03)


async def main():
    logs.watch_logs()
    asyncio.current_task().set_name('main')
    for f in (wrong, selves, completed, sleeps):
        print('==', f.__name__)
        await f()


asyncio.run(main())
other, t = left
try:
    other.run_until_complete(t)


except asyncio.CancelledError as e:
    print('CancelledError', msg(e))


other.close()
