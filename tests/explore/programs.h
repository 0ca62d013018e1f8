/* Programs under test; ordinary pthread code, bound to the simulated world. */
#ifndef TESTS_EXPLORE_PROGRAMS_H
#define TESTS_EXPLORE_PROGRAMS_H

/* Two threads, so many critical sections each; every section tells whose it is. */
void program_two_sections(void);
void program_three_sections(void);
void program_ten_sections(void);
/* The first thread has one, the second has five. */
void program_one_and_five_sections(void);
/* Two threads add one to a balance; each reads it in one section and writes it in another, so
 * that an update can be lost, which an assertion notices. */
void program_lost_update(void);
/* The first thread looks at the balance twice, and expects it to be the same; the second thread
 * changes it. */
void program_changed_meanwhile(void);
/* Six sections in each of two threads; the first one must not begin after five of the second. */
void program_late_failure(void);

struct explore_programs {
    void (*two_sections)(void);
    void (*three_sections)(void);
    void (*ten_sections)(void);
    void (*one_and_five_sections)(void);
    void (*lost_update)(void);
    void (*changed_meanwhile)(void);
    void (*late_failure)(void);
    void (*generated)(void); /* see generated.h */
    void (*wired)(void);     /* see wired.h */
};

/* Given by the test: '1' or '2' is inside its critical section. */
void section_entered(char who);

#endif
