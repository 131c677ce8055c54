/* A module whose functions are on stacks: loaded as it is, and stripped. */

static volatile int n_steps;

__attribute__((noinline)) static void detour_inner(void (*back)(void *), void *data)
{
    back(data);
    n_steps++;
}

void detour(void (*back)(void *), void *data);
void detour(void (*back)(void *), void *data)
{
    detour_inner(back, data);
    n_steps++;
}
