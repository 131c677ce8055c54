#ifndef WF_BASE_MUTANT_H
#define WF_BASE_MUTANT_H

/*
 * Mutants: named semantic faults, to test the tests.
 *
 *     node = WF_MUTANT("lifo-ready-queue") ? last : first;
 *
 * In the library that is shipped the macro is the constant false and nothing of
 * it remains. tests/mutants builds the library once more, in which the mutant
 * that the environment names (WEFT_MUTANT) is alive; at least one scenario must
 * then print another trace than CPython does, or the scenarios are too weak.
 */

#ifdef WF_MUTANTS
int wf_mutant_is_alive(const char *name);
#define WF_MUTANT(name) wf_mutant_is_alive(name)
#else
#define WF_MUTANT(name) 0
#endif

#endif
