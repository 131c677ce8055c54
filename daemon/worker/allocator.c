/*
 * How jemalloc, which is linked into the program, has to behave.
 *
 * Without a thread of its own jemalloc gives memory back only while memory is
 * asked for: a service that has become quiet after a spike would keep it. With
 * one, what nobody used for ten seconds goes back by itself. One thread is
 * enough: it works at most once a second.
 */

/* Read by jemalloc before main; without jemalloc it is an unused name. */
const char *malloc_conf = "background_thread:true,max_background_threads:1";
