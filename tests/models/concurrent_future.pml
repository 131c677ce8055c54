/*
 * R13: the concurrent future (lib/thread/concurrent_future.c): set x cancel x
 * time-out x wait x callback on one word.
 *
 * One thread sets a result, with or without running first; one cancels; one waits,
 * with a limit or without; and the fourth waits too, or is the owner of a mailbox who
 * adds a callback and may remove it. A loop of load and compare-and-swap is one step: what it loaded has no
 * effect but through the swap that succeeds. Each look of the futex is a step.
 *
 * Searched for: a sleeper that nobody wakes (an invalid end state), two outcomes,
 * a value with two owners, a callback posted twice, after its removal, or before
 * the outcome can be seen.
 *
 * The planted fault (concurrent_future.fault.pml): one who waits falls asleep
 * without another look at the word.
 */

#define PENDING   0
#define RUNNING   1
#define CANCELLED 2
#define FINISHED  3
#define STATE     3
#define LOCKED    4
#define QUEUED    8
#define AWAITED   16
#define TAKEN     32

#define state_of(w) ((w) & STATE)
#define is_done(w)  (((w) & STATE) >= CANCELLED)

#define NOBODY  0
#define LOCK    1
#define OUTCOME 2

#define THREADS 4

byte word = PENDING;
byte sleeps_on[THREADS]; /* the futex: on which channel a thread sleeps */

bool is_written = false; /* the outcome's memory, guarded by the lock */
bool callback_is_linked = false;
byte n_posted = 0;
bool is_removed = false;

byte n_set = 0;
byte n_cancelled = 0;
byte n_owners = 0;

/* futex_wait: sleep only while the word is as expected. Without a limit. */
inline futex_wait(expected, channel)
{
    atomic {
        if
        :: word == expected -> sleeps_on[me] = channel
        :: else
        fi
    };
    (sleeps_on[me] == NOBODY)
}

inline futex_wake(channel)
{
    d_step {
        i = 0;
        do
        :: i < THREADS ->
            if
            :: sleeps_on[i] == channel -> sleeps_on[i] = NOBODY
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0
    }
}

inline lock()
{
    do
    :: atomic { !(word & LOCKED) -> state = state_of(word); word = word | LOCKED; break }
    :: atomic { (word & LOCKED) -> word = word | QUEUED; w = word };
        futex_wait(w, LOCK)
    od;
    w = 0
}

/* One compare-and-swap that succeeds; what it found is in w. */
inline unlock(new)
{
    d_step {
        w = word;
        assert(w & LOCKED);
        assert(!is_done(w) || state_of(w) == new);
        word = (w & (AWAITED | TAKEN)) | new;
        if
        :: is_done(new) -> word = word & ~AWAITED
        :: else -> w = w & ~AWAITED
        fi;
        w = w & (QUEUED | AWAITED)
    };
    if
    :: w & QUEUED -> futex_wake(LOCK)
    :: else
    fi;
    if
    :: w & AWAITED -> futex_wake(OUTCOME)
    :: else
    fi;
    atomic { w = 0; state = 0 }
}

inline settle(new)
{
    atomic { is_written = true; word = word | new }; /* publishes */
    atomic {
        if
        :: callback_is_linked -> callback_is_linked = false; post()
        :: else
        fi
    }
}

/* Whoever gets the post may look at once. */
inline post()
{
    assert(is_done(word) && is_written);
    assert(!is_removed);
    n_posted++
}

proctype setter()
{
    byte me = 0;
    byte w; byte state; byte i;

    if
    :: true -> /* set_running_or_notify_cancel */
        lock();
        if
        :: state == PENDING -> unlock(RUNNING)
        :: else -> unlock(state); goto out
        fi
    :: true
    fi;
    lock();
    if
    :: is_done(state) -> unlock(state)
    :: else -> settle(FINISHED); unlock(FINISHED); n_set++
    fi;
out:
    skip
}

proctype canceller()
{
    byte me = 1;
    byte w; byte state; byte i;

    lock();
    if
    :: state == PENDING -> settle(CANCELLED); unlock(CANCELLED); n_cancelled++
    :: else -> unlock(state)
    fi
}

proctype waiter(byte me; bool has_limit)
{
    byte w;
    bool in_time = true;

    do
    :: atomic { is_done(word) -> w = state_of(word); break }
    :: atomic { !is_done(word) && !in_time -> goto out }
    :: atomic { !is_done(word) && in_time -> word = word | AWAITED; w = word };
        atomic {
#ifdef FAULT
            sleeps_on[me] = OUTCOME;
#else
            if
            :: word == w -> sleeps_on[me] = OUTCOME
            :: else
            fi;
#endif
            w = 0
        };
        if
        :: sleeps_on[me] == NOBODY
        :: has_limit -> sleeps_on[me] = NOBODY; in_time = false
        fi
    od;
    assert(is_written);
    if
    :: w == FINISHED ->
        d_step {
            if
            :: !(word & TAKEN) -> n_owners++
            :: else
            fi;
            word = word | TAKEN
        }
    :: else -> assert(n_set == 0)
    fi;
out:
    skip
}

proctype registrant()
{
    byte me = 3;
    byte w; byte state; byte i;

    lock();
    if
    :: is_done(state) -> post()
    :: else -> callback_is_linked = true
    fi;
    unlock(state);
    if
    :: true -> /* remove_callback */
        lock();
        if
        :: callback_is_linked -> callback_is_linked = false; is_removed = true
        :: else -> assert(n_posted == 1)
        fi;
        unlock(state)
    :: true
    fi
}

init {
    bool has_limit;
    bool has_callback;

    atomic {
        if
        :: has_limit = true
        :: has_limit = false
        fi;
        run setter();
        run canceller();
        run waiter(2, has_limit);
        if
        :: has_callback = true; run registrant()
        :: has_callback = false; run waiter(3, false)
        fi
    };
    atomic {
        (_nr_pr == 1);
        assert(n_set + n_cancelled == 1);
        assert(is_done(word) && !(word & (LOCKED | QUEUED | AWAITED)));
        assert(n_owners <= 1);
        assert(n_posted + is_removed == has_callback);
        assert(!callback_is_linked)
    }
}
