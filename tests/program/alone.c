/* No thread: everything must be as if nobody looked. */
#include <assert.h>
#include <errno.h>
#include <error.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int reads(void)
{
    char line[64];
    int left, right, character;
    if (fgets(line, sizeof line, stdin) == NULL) return 1;
    printf("hello %s", line);
    if (scanf("%d %d", &left, &right) != 2) return 2;
    printf("sum %d", left + right);
    while ((character = getchar()) != EOF) putc(character, stdout);
    return feof(stdin) ? 0 : 3;
}

static int writes(const char *path)
{
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "w+");
    if (file == NULL) return 1;
    fprintf(file, "one\ntwo\n");
    if (fseek(file, 0, SEEK_SET) != 0) return 2;
    if (getline(&line, &room, file) != 4 || strcmp(line, "one\n") != 0) return 3;
    if (ftell(file) != 4) return 4;
    free(line);
    return ferror(file) || fclose(file) != 0;
}

/* More steps than one execution has. */
static int locks(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static int count;
    while (count < 60000) {
        if (pthread_mutex_lock(&lock) != 0) return 1;
        count++;
        if (pthread_mutex_unlock(&lock) != 0) return 2;
    }
    printf("%d\n", count);
    return 0;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    fprintf(stderr, "to standard error\n");
    if (strcmp(word, "read") == 0) return reads();
    if (strcmp(word, "alarm") == 0) {
        signal(SIGALRM, SIG_IGN);
        alarm(1000);
    }
    if (strcmp(word, "lock") == 0 || strcmp(word, "alarm") == 0) return locks();
    if (strcmp(word, "write") == 0) return writes(argv[2]);
    if (strcmp(word, "assert") == 0) assert(argc == 0);
    if (strcmp(word, "error") == 0) {
        error_at_line(0, 0, "words", 7, "a %s", "place");
        error(4, ENOENT, "cannot read %s", word);
    }
    if (strcmp(word, "many") == 0) {
        for (int i = 0; i < 300000; i++) printf("line %d\n", i);
    }
    printf("%d words, HOME=%s\n", argc, getenv("HOME"));
    fflush(stdout);
    return write(STDOUT_FILENO, "end\n", 4) == 4 ? argc : 99;
}
