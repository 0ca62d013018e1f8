/* Whatever an execution changes, the next one finds as it was. */
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int count;
static char large[4 << 20] = {1}, *far_away[1 << 20]; /* whose pages are put back one by one */
static _Thread_local int local = 5;
static int constructed;

__attribute__((constructor)) static void construct(void)
{
    constructed++;
}

static void *add(void *argument)
{
    local++;
    assert(local == 6);
    return argument;
}

static void check_large(void)
{
    assert(large[0] == 1 && large[2 << 20] == 0 && far_away[1 << 19] == NULL);
    large[0] = large[2 << 20] = 2;
    far_away[1 << 19] = malloc(8); /* which is no leak */
}

static void check_file(void)
{
    FILE *file = fopen("state.tmp", "r");
    assert(file == NULL && errno == ENOENT);
    file = fopen("state.tmp", "a");
    fputs("written", file);
    fclose(file);
    file = fopen("state.tmp", "r");
    char text[16] = "";
    assert(fread(text, 1, sizeof text, file) == 7 && strcmp(text, "written") == 0);
    fclose(file);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    char text[] = "a b";
    int number = 0, option;
    assert(constructed == 1);
    assert(count++ == 0);
    while ((option = getopt(argc, argv, "n:")) != -1) number = atoi(optarg);
    assert(number == 7 && strcmp(argv[2], "7") == 0);
    argv[2][0] = 'x';
    assert(strcmp((strtok)(text, " "), "a") == 0); /* it keeps state */
    assert(signal(SIGPIPE, SIG_IGN) == SIG_DFL);
    check_large();
    check_file();
    assert(getchar() == 'q');
    pthread_create(&thread, NULL, add, NULL);
    assert(++local == 6);
    pthread_join(thread, NULL);
    puts("as it was");
    return 0;
}
