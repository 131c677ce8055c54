#ifndef WEFT_TESTS_SUPPORT_SYNC_OBJECTS_HPP
#define WEFT_TESTS_SUPPORT_SYNC_OBJECTS_HPP

/* Locks and events for tests: made, or the test ends. */

#include <catch2/catch.hpp>

#include "weft/sync.h"

inline weft_lock *make_lock()
{
    weft_lock *lock = nullptr;
    REQUIRE(weft_lock_create(&lock) == 0);
    return lock;
}

inline weft_event *make_event()
{
    weft_event *event = nullptr;
    REQUIRE(weft_event_create(&event) == 0);
    return event;
}

#endif
