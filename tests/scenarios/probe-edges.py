"""Edges of shield, gather, wait, wait_for, as_completed and groups."""
import asyncio
from support import logs


def yes(x):
    return 'yes' if x else 'no'


def msg(e):
    return e.args[0] if e.args else 'none'


async def turns(n):
    for _ in range(n):
        await asyncio.sleep(0)


async def show(label, aw):
    try:
        print(label, '->', await aw)
    except asyncio.CancelledError as e:
        print(label, '-> CancelledError', msg(e), asyncio.current_task().cancelling())
    except BaseException as e:
        print(label, '->', logs.err(e), asyncio.current_task().cancelling())


async def sleeper(name, turns_=0, error=None):
    try:
        for _ in range(turns_):
            await asyncio.sleep(0)
        if turns_ < 0:
            await asyncio.sleep(60)
    except asyncio.CancelledError as e:
        print(name, 'cancelled', msg(e))
        raise
    if error:
        raise error
    return name


async def shields():
    f = asyncio.get_running_loop().create_future()
    s = asyncio.shield(f)
    s2 = asyncio.shield(f)
    print('two shields', yes(s is s2))
    s.cancel('outer')
    await show('s', s)
    print('f', yes(f.done()))
    f.cancel('inner')
    await show('s2', s2)
    f = asyncio.get_running_loop().create_future()
    s = asyncio.shield(asyncio.shield(f))
    f.set_result('deep')
    k = 0
    while not s.done():
        await asyncio.sleep(0)
        k += 1
    print(k, s.result())
    t = asyncio.create_task(sleeper('inner', 4))
    async def w():
        try:
            await asyncio.shield(t)
        except asyncio.CancelledError as e:
            print('w', msg(e))
        try:
            await asyncio.shield(t)
        except asyncio.CancelledError as e:
            print('w again', msg(e))
        return await t
    wt = asyncio.create_task(w())
    await turns(2)
    wt.cancel('c1')
    await turns(1)
    wt.cancel('c2')
    await show('wt', wt)
    c = asyncio.shield(sleeper('from coro', 1))
    await show('c', c)


async def gathers():
    loop = asyncio.get_running_loop()
    a = asyncio.create_task(sleeper('a', -1))
    b = asyncio.create_task(sleeper('b', -1))
    g1 = asyncio.gather(a, b)
    g2 = asyncio.gather(b, return_exceptions=True)
    await turns(1)
    print('cancel', yes(g1.cancel('by g1')), yes(g1.done()))
    await show('g1', g1)
    print(*[logs.err(x) for x in await g2])
    print('cancel of done', yes(g1.cancel()))
    g = asyncio.gather()
    print('empty', yes(g.done()))
    await turns(1)
    print('empty later', yes(g.done()))
    a = asyncio.create_task(sleeper('a', -1))
    b = asyncio.create_task(sleeper('b', 3))
    g = asyncio.gather(a, b)
    await turns(1)
    a.cancel('own words')
    await show('g', g)
    print('b', yes(b.done()), await b)
    f = loop.create_future()
    g = asyncio.gather(f)
    f.set_result(1)
    print('cancel', yes(g.cancel()))
    print('g ->', *await g)
    async def swallow():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return 'swallowed'
    g = asyncio.gather(swallow(), swallow())
    await turns(1)
    g.cancel('x')
    await show('all swallow', g)
    g = asyncio.gather(swallow(), return_exceptions=True)
    await turns(1)
    g.cancel('x')
    await show('swallow exc', g)
    async def fails():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ValueError('instead')
    g = asyncio.gather(fails(), sleeper('sib', -1))
    await turns(1)
    g.cancel('x')
    await show('error instead', g)
    await turns(2)
    async def outer():
        try:
            await asyncio.gather(sleeper('o1', -1), swallow())
        except asyncio.CancelledError as e:
            print('outer', msg(e))
            raise
    t = asyncio.create_task(outer())
    await turns(2)
    t.cancel('from above')
    await show('t', t)


async def wait_fors():
    loop = asyncio.get_running_loop()
    f = loop.create_future()
    f.cancel('before')
    await show('cancelled already', asyncio.wait_for(f, 1))
    f = loop.create_future()
    f.cancel('before')
    await show('cancelled already, 0', asyncio.wait_for(f, 0))
    f = loop.create_future()
    f.set_exception(ValueError())
    await show('failed already, 0', asyncio.wait_for(f, 0))
    await show('coro, 0', asyncio.wait_for(sleeper('never'), 0))
    await show('coro, -1', asyncio.wait_for(sleeper('never'), -1))
    f = loop.create_future()
    await show('future, 0', asyncio.wait_for(f, 0))
    print(yes(f.cancelled()))
    f = loop.create_future()
    loop.call_soon(f.cancel, 'from outside')
    await show('cancelled while waiting', asyncio.wait_for(f, 1))
    print(asyncio.current_task().cancelling())
    f2 = loop.create_future()
    await show('nested', asyncio.wait_for(asyncio.wait_for(f2, 60), 0.001))
    print(yes(f2.cancelled()))


async def waits():
    loop = asyncio.get_running_loop()
    a, b = (loop.create_future(), loop.create_future())
    async def w(*fs, **kw):
        done, pending = await asyncio.wait(set(fs), **kw)
        return '%d %d' % (len(done), len(pending))
    t = asyncio.create_task(w(a, b, return_when=asyncio.FIRST_EXCEPTION))
    await turns(1)
    a.cancel()
    await turns(2)
    print('a cancelled does not end it', yes(t.done()))
    b.set_exception(ValueError())
    await turns(2)
    await show('w', t)
    b.exception()
    a, b = (loop.create_future(), loop.create_future())
    t = asyncio.create_task(w(a, b, return_when=asyncio.FIRST_COMPLETED))
    await turns(1)
    a.set_result(1)
    b.set_result(2)
    await show('both in one turn', t)
    a, b = (loop.create_future(), loop.create_future())
    t = asyncio.create_task(w(a, b, return_when=asyncio.FIRST_COMPLETED))
    await turns(1)
    a.set_result(1)
    loop.call_soon(lambda: loop.call_soon(b.set_result, 2))
    await show('b after the wake', t)
    a = loop.create_future()
    t = asyncio.create_task(w(a))
    await turns(1)
    a.set_result(1)
    t.cancel('late')
    await show('cancel in the turn of the end', t)
    a = loop.create_future()
    t = asyncio.create_task(w(a))
    await turns(1)
    t.cancel('w only')
    await turns(2)
    print('a', yes(a.done()))


async def groups():
    async def refuse_twice():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as e:
            print('first', msg(e))
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError as e:
            print('second', msg(e))
            raise
        print('slept on')
    async def g1():
        async with asyncio.TaskGroup() as g:
            g.create_task(refuse_twice())
    t = asyncio.create_task(g1())
    await turns(2)
    t.cancel('one')
    await turns(3)
    print('done', yes(t.done()))
    t.cancel('two')
    await show('t', t)
    async def body_cancelled_raises():
        async with asyncio.TaskGroup() as g:
            g.create_task(sleeper('kid', -1))
            await asyncio.sleep(0)
            raise asyncio.CancelledError('rogue')
    await show('rogue body', asyncio.create_task(body_cancelled_raises()))
    async def kid_rogue():
        async with asyncio.TaskGroup() as g:
            async def k():
                raise asyncio.CancelledError('rogue kid')
            g.create_task(k())
            g.create_task(sleeper('goes on', 3))
        return 'fine'
    await show('rogue kid', asyncio.create_task(kid_rogue()))
    async def cancel_then_fail():
        async with asyncio.TaskGroup() as g:
            g.create_task(sleeper('quick', 1, ValueError()))
            await asyncio.sleep(0)
            asyncio.current_task().uncancel()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError as e:
                print('body', msg(e), asyncio.current_task().cancelling())
    await show('uncancel in body', asyncio.create_task(cancel_then_fail()))
    async def nested_fail():
        async with asyncio.TaskGroup() as g:
            g.create_task(sleeper('outer kid', -1))
            async with asyncio.TaskGroup() as h:
                h.create_task(sleeper('bad', 1, ValueError()))
                h.create_task(sleeper('inner kid', -1))
    await show('nested', asyncio.create_task(nested_fail()))


async def main():
    logs.watch_logs()
    for f in (shields, gathers, wait_fors, waits, groups):
        print('==', f.__name__)
        await f()


asyncio.run(main())
