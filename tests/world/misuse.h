/* What the programs with a defect share. They run in the simulated world only. */
#ifndef TESTS_WORLD_MISUSE_H
#define TESTS_WORLD_MISUSE_H

/* The same pointer, unknown to the compiler, which would otherwise warn of the defect or use it
 * to prove that the code cannot be reached. */
static inline void *misuse_hide(void *pointer)
{
    void *volatile hidden = pointer;

    return hidden;
}

#endif
