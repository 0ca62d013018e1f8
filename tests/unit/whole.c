/* A program that is explored as a whole, and tells the harness more by harness.h. */
#include <harness.h>

int main(int argc, char **argv)
{
    uint32_t value = harness_choose(4);
    (void)argv;
    harness_assume(value != 3);
    harness_sometimes(value == (argc > 1 ? 3 : 2), "the last value");
    harness_always(value != 2 || argc < 3, "there is no two");
    return 0;
}
