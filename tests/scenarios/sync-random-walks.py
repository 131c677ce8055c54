# Five tasks do random things with a lock, a semaphore, a condition, a queue, a barrier and an
# event, and are cancelled at random; the generator and its seeds are those of the C program.
# Seeds in whose walk CPython 3.11 differs from later releases (a notification or a place of a
# cancelled waiter) are left out.
import asyncio

SEEDS = (1, 2, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 23, 27, 28, 29, 31, 32)
N_TASKS = 5
N_OPERATIONS = 30
N_TURNS = 60


class Random:
    def __init__(self, seed):
        self.state = seed & 0x7fffffff

    def below(self, n):
        self.state = (self.state * 1103515245 + 12345) & 0x7fffffff
        return (self.state >> 16) % n


class World:
    def __init__(self):
        self.lock = asyncio.Lock()
        self.sem = asyncio.Semaphore(2)
        self.cond = asyncio.Condition()
        self.q = asyncio.Queue(2)
        self.barrier = asyncio.Barrier(2)
        self.event = asyncio.Event()
        self.next_item = 0
        self.is_over = False

    def make_item(self):
        self.next_item += 1
        return self.next_item


class Walker:
    def __init__(self, world, number, seed):
        self.world = world
        self.number = number
        self.random = Random(seed)
        self.depth = 0

    def say(self, text):
        print(self.number, text)

    async def stay(self):
        for _ in range(self.random.below(3)):
            await asyncio.sleep(0)
        if self.depth == 0 and self.random.below(3) == 0:
            self.depth = 1
            try:
                await self.operate()
            finally:
                self.depth = 0

    async def hold_lock(self):
        lock = self.world.lock
        await lock.acquire()
        self.say("lock in")
        try:
            await self.stay()
        finally:
            lock.release()
            self.say("lock out")

    async def hold_place(self):
        sem = self.world.sem
        await sem.acquire()
        self.say("place in locked=%d" % sem.locked())
        try:
            await self.stay()
        finally:
            sem.release()
            self.say("place out locked=%d" % sem.locked())

    async def be_notified(self):
        cond = self.world.cond
        await cond.acquire()
        self.say("waits")
        try:
            await cond.wait()
            self.say("notified")
        finally:
            cond.release()

    async def notify(self):
        cond = self.world.cond
        await cond.acquire()
        n = self.random.below(3)
        if n == 0:
            cond.notify_all()
        else:
            cond.notify(n)
        self.say("notifies %d" % n)
        try:
            await self.stay()
        finally:
            cond.release()

    async def put(self):
        q, item = self.world.q, self.world.make_item()
        await q.put(item)
        self.say("put %d size %d" % (item, q.qsize()))

    async def get(self):
        q = self.world.q
        item = await q.get()
        self.say("got %d size %d" % (item, q.qsize()))
        if self.random.below(2) == 1:
            q.task_done()

    async def meet(self):
        barrier = self.world.barrier
        index = await barrier.wait()
        self.say("meets as %d waiting %d" % (index, barrier.n_waiting))

    async def disturb(self):
        choice = self.random.below(8)
        if choice == 0:
            await self.world.barrier.abort()
            self.say("aborts")
        elif choice < 3:
            await self.world.barrier.reset()
            self.say("resets")
        else:
            await self.meet()

    async def see_flag(self):
        await self.world.event.wait()
        self.say("flag is_set=%d" % self.world.event.is_set())

    async def move_flag(self):
        choice = self.random.below(3)
        if choice != 1:
            self.world.event.set()
        if choice != 0:
            self.world.event.clear()
        self.say("moves flag %d" % choice)

    async def hurry(self):
        q = self.world.q
        if self.random.below(2) == 1:
            item = self.world.make_item()
            q.put_nowait(item)
            self.say("put now %d" % item)
        else:
            item = q.get_nowait()
            self.say("got now %d" % item)

    async def join(self):
        await self.world.q.join()
        self.say("joined")

    async def yield_once(self):
        await asyncio.sleep(0)
        self.say("slept")

    async def operate(self):
        operations = (self.yield_once, self.hold_lock, self.hold_lock, self.hold_place,
                      self.hold_place, self.be_notified, self.be_notified, self.notify, self.put,
                      self.get, self.meet, self.disturb, self.see_flag, self.move_flag, self.hurry,
                      self.join)
        await operations[self.random.below(16)]()

    async def walk(self):
        for _ in range(N_OPERATIONS):
            if self.world.is_over:
                break
            try:
                await self.operate()
            except (asyncio.CancelledError, asyncio.BrokenBarrierError, asyncio.QueueFull,
                    asyncio.QueueEmpty) as e:
                self.say(type(e).__name__)
        self.say("ends")


def interfere(world, tasks, random, turn):
    choice = random.below(10)
    q = world.q
    if choice < 3:
        victim = random.below(N_TASKS)
        if not tasks[victim].done():
            tasks[victim].cancel()
            print("main cancels", victim)
            if random.below(3) == 0:
                tasks[victim].cancel()
    elif choice == 3:
        world.event.set()
        print("main sets the flag")
    elif choice == 4 and not q.empty():
        print("main got", q.get_nowait())
    elif choice == 5 and not q.full():
        item = world.make_item()
        q.put_nowait(item)
        print("main put", item)
    elif choice == 6:
        world.sem.release()
        print("main releases locked=%d" % world.sem.locked())
    else:
        print("turn", turn)


async def end(world, tasks):
    world.is_over = True
    n = 0
    while not all(t.done() for t in tasks):
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
        n += 1
    print("done after %d lock=%d cond=%d waiting=%d broken=%d size=%d" % (
        n, world.lock.locked(), world.cond.locked(), world.barrier.n_waiting,
        world.barrier.broken, world.q.qsize()))


async def main(seed):
    print("seed", seed)
    world = World()
    random = Random(seed * 31 + 99)
    walkers = [Walker(world, i, seed * 31 + i) for i in range(N_TASKS)]
    tasks = [asyncio.create_task(w.walk()) for w in walkers]
    for turn in range(N_TURNS):
        await asyncio.sleep(0)
        interfere(world, tasks, random, turn)
    await end(world, tasks)


if __name__ == "__main__":
    for seed in SEEDS:
        asyncio.run(main(seed))
