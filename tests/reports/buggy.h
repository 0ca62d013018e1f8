/* Programs with one defect each, whose functions and lines a report must name. */
#ifndef TESTS_REPORTS_BUGGY_H
#define TESTS_REPORTS_BUGGY_H

struct buggy {
    void (*deadlock)(void);     /* of two threads, in every schedule */
    void (*crash)(void);        /* a null pointer, three calls deep */
    void (*leak)(void);         /* two blocks from one line, one from another */
};

#endif
