/*
 * R13: the mailbox (lib/thread/mailbox.c), its sleep and its end.
 *
 * Two posters with two posts each, one owner that takes, sleeps at the doorbell,
 * may be woken by a timer and closes at any moment; then it gives the doorbell
 * away. Every compare-and-swap is one step, what stands around it is not.
 *
 * Searched for: an owner that sleeps for ever beside a post (an invalid end
 * state), a post lost, doubled or out of its poster's order, a ring at a doorbell
 * that is gone.
 *
 * The planted fault (mailbox.fault.pml): the owner looks whether there is
 * something, and announces its sleep in a second step.
 */

#define POSTERS 2
#define POSTS   2

#define EMPTY    0
#define SLEEPING 1
#define CLOSED   2
#define NODE(poster, post) (3 + (poster) * POSTS + (post))

byte head = EMPTY;
chan chain = [POSTERS * POSTS] of { byte, byte }; /* what hangs at head, oldest first */
bool bell = false;                                /* an edge that nobody has seen yet */
bool doorbell_is_gone = false;
byte n_rung = 0;

byte n_refused = 0;
byte n_delivered = 0;
byte next_post[POSTERS];
bool is_over = false;

proctype poster(byte me)
{
    byte i = 0;
    byte seen;
    bool done;

    do
    :: i < POSTS ->
        seen = head;
        done = false;
        do
        :: done -> break
        :: !done && seen == CLOSED -> n_refused++; done = true
        :: !done && seen != CLOSED ->
            atomic {
                if
                :: head == seen ->
                    chain!me, i;
                    head = NODE(me, i);
                    done = true
                :: else -> seen = head
                fi
            };
            if
            :: done && seen == SLEEPING ->
                assert(!doorbell_is_gone);
                bell = true;
                n_rung++
            :: else
            fi
        od;
        i++
    :: else -> break
    od
}

inline deliver_chain()
{
    do
    :: nempty(chain) ->
        chain?from, number;
        /* Refused posts are the last ones of their poster: no gap before this one. */
        assert(number == next_post[from]);
        next_post[from] = number + 1;
        n_delivered++
    :: empty(chain) -> break
    od
}

proctype owner()
{
    byte from;
    byte number;
    byte n_expected = 0;
    bool may_tick = true;
    bool asleep;

    do
    :: n_delivered < POSTERS * POSTS ->
        /* take */
        if
        :: head != EMPTY ->
            atomic { head = EMPTY; deliver_chain() }
        :: head == EMPTY
        fi;
        if
        :: n_delivered == POSTERS * POSTS -> goto finish
        :: else
        fi;
        /* try_sleep */
#ifdef FAULT
        asleep = (head == EMPTY);
        if
        :: asleep -> head = SLEEPING
        :: else
        fi;
#else
        atomic {
            asleep = (head == EMPTY);
            if
            :: asleep -> head = SLEEPING
            :: else
            fi
        };
#endif
        if
        :: asleep ->
            if
            :: bell -> bell = false
            :: may_tick -> may_tick = false /* a timer */
            fi;
            /* wake */
            atomic {
                if
                :: head == SLEEPING -> head = EMPTY
                :: else -> n_expected++
                fi
            }
        :: else
        fi
    :: break /* the loop closes now */
    od;
finish:
    atomic { head = CLOSED; deliver_chain() };
    (n_rung == n_expected);
    doorbell_is_gone = true;
    is_over = true
}

init {
    atomic { run poster(0); run poster(1); run owner() };
    (_nr_pr == 1);
    assert(is_over);
    assert(n_delivered + n_refused == POSTERS * POSTS)
}
