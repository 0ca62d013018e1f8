/* Programs that talk over descriptors, each with a defect that only some executions show, unless it
 * is built with -DFIXED:  net echo | selfpipe | pool | twice | parts | leak | pipe | talk */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef FIXED
enum { FIXED_TOO = 1 };
#else
enum { FIXED_TOO = 0 };
#endif

static int listen_at(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert(bind(listener, (struct sockaddr *)address, length) == 0);
    assert(listen(listener, 4) == 0);
    assert(getsockname(listener, (struct sockaddr *)address, &length) == 0);
    return listener;
}

static int connect_to(struct sockaddr_in *address)
{
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert(connect(client, (struct sockaddr *)address, sizeof *address) == 0);
    return client;
}

/* --- echo: a thread for each connection; told to stop, it forgets one that came just before --- */

static struct {
    pthread_mutex_t lock;
    int listener, served;
    int stopping;
    struct sockaddr_in address;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER, .served = -1};

static void *echo_one(void *argument)
{
    char room[16];
    ssize_t some;
    int served = (int)(long)argument;
    while ((some = recv(served, room, sizeof room, 0)) > 0) {
        if (send(served, room, (size_t)some, MSG_NOSIGNAL) != some) break;
    }
    pthread_mutex_lock(&server.lock);
    if (server.served == served) server.served = -1;
    close(served);
    pthread_mutex_unlock(&server.lock);
    return NULL;
}

static void *echo_all(void *argument)
{
    pthread_t thread;
    int served = accept(server.listener, NULL, NULL);
    (void)argument;
    if (served < 0) return NULL;
    pthread_mutex_lock(&server.lock);
    server.served = served;
    if (server.stopping && FIXED_TOO) shutdown(served, SHUT_RDWR);
    pthread_mutex_unlock(&server.lock);
    assert(pthread_create(&thread, NULL, echo_one, (void *)(long)served) == 0);
    pthread_join(thread, NULL);
    return NULL;
}

static void stop_server(void)
{
    pthread_mutex_lock(&server.lock);
    server.stopping = 1;
    if (server.served >= 0) shutdown(server.served, SHUT_RDWR);
    pthread_mutex_unlock(&server.lock);
    shutdown(server.listener, SHUT_RDWR);
}

static void echo(void)
{
    pthread_t thread;
    char byte;
    server.listener = listen_at(&server.address);
    pthread_create(&thread, NULL, echo_all, NULL);
    int client = connect_to(&server.address);
    stop_server();
    while (recv(client, &byte, 1, 0) > 0) {
    }
    pthread_join(thread, NULL);
    close(client);
    close(server.listener);
}

/* --- selfpipe: a loop is woken by a byte, and takes away more bytes than it looks after --- */

static struct {
    pthread_mutex_t lock;
    int ends[2];
    int wanted, done;
} loop = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *run_loop(void *argument)
{
    char room[8];
    struct pollfd file = {.fd = loop.ends[0], .events = POLLIN};
    (void)argument;
    for (int handled = 0; handled < 2;) {
        assert(poll(&file, 1, -1) == 1);
        ssize_t some = read(loop.ends[0], room, sizeof room);
        pthread_mutex_lock(&loop.lock);
        if (!FIXED_TOO) some = 1; /* one byte, one request, it thinks */
        for (; some > 0 && loop.wanted > 0; some--, handled++) loop.wanted--;
        pthread_mutex_unlock(&loop.lock);
    }
    return NULL;
}

static void *ask(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&loop.lock);
    loop.wanted++;
    pthread_mutex_unlock(&loop.lock);
    assert(write(loop.ends[1], "x", 1) == 1);
    return NULL;
}

static void selfpipe(void)
{
    pthread_t threads[3];
    assert(pipe(loop.ends) == 0);
    pthread_create(&threads[0], NULL, run_loop, NULL);
    for (int i = 1; i < 3; i++) pthread_create(&threads[i], NULL, ask, NULL);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    close(loop.ends[0]);
    close(loop.ends[1]);
}

/* --- pool: workers take turns by EPOLLONESHOT; one rearms before it has finished --- */

static struct {
    int set, served;
    int busy, sum;
} pool;

static void rearm(void)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};
    assert(epoll_ctl(pool.set, EPOLL_CTL_MOD, pool.served, &event) == 0);
}

static void *work(void *argument)
{
    struct epoll_event event;
    char byte;
    (void)argument;
    for (;;) {
        assert(epoll_wait(pool.set, &event, 1, -1) == 1);
        ssize_t some = recv(pool.served, &byte, 1, 0);
        if (some == 1 && !FIXED_TOO) rearm(); /* too early */
        assert(__atomic_fetch_add(&pool.busy, 1, __ATOMIC_SEQ_CST) == 0);
        if (some == 1) pool.sum += byte;
        assert(__atomic_fetch_sub(&pool.busy, 1, __ATOMIC_SEQ_CST) == 1);
        if (some != 1 || FIXED_TOO) rearm();
        if (some != 1) return NULL;
    }
}

static void epoll_pool(void)
{
    pthread_t threads[2];
    struct sockaddr_in address;
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};
    int listener = listen_at(&address), client = connect_to(&address);
    pool.set = epoll_create1(0);
    pool.served = accept(listener, NULL, NULL);
    assert(epoll_ctl(pool.set, EPOLL_CTL_ADD, pool.served, &event) == 0);
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, work, NULL);
    assert(send(client, "\1\2", 2, 0) == 2);
    shutdown(client, SHUT_WR);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    assert(pool.sum == 3);
    close(client);
    close(pool.served);
    close(listener);
    close(pool.set);
}

/* --- twice: a number is closed a second time, when somebody else has it --- */

static pthread_barrier_t both;

static void *close_twice(void *argument)
{
    int ends[2];
    (void)argument;
    assert(pipe(ends) == 0);
    pthread_barrier_wait(&both);
    close(ends[0]);
    close(ends[1]);
    if (!FIXED_TOO) close(ends[1]);
    return NULL;
}

static void *use_own(void *argument)
{
    int ends[2];
    char byte;
    (void)argument;
    pthread_barrier_wait(&both);
    assert(pipe(ends) == 0);
    assert(write(ends[1], "x", 1) == 1);
    assert(read(ends[0], &byte, 1) == 1);
    assert(close(ends[0]) == 0 && close(ends[1]) == 0);
    return NULL;
}

static void twice(void)
{
    pthread_t threads[2];
    pthread_barrier_init(&both, NULL, 2);
    pthread_create(&threads[0], NULL, close_twice, NULL);
    pthread_create(&threads[1], NULL, use_own, NULL);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&both);
}

/* --- parts: a message is taken for whole when some of it is there --- */

static void *receive(void *argument)
{
    char room[4] = "";
    size_t got = 0;
    do {
        ssize_t some = recv((int)(long)argument, room + got, sizeof room - got, 0);
        assert(some > 0);
        got += (size_t)some;
    } while (FIXED_TOO && got < sizeof room);
    assert(got == sizeof room && memcmp(room, "four", 4) == 0);
    return NULL;
}

static void parts(void)
{
    pthread_t thread;
    struct sockaddr_in address;
    int listener = listen_at(&address), client = connect_to(&address);
    int served = accept(listener, NULL, NULL);
    pthread_create(&thread, NULL, receive, (void *)(long)served);
    assert(send(client, "four", 4, 0) == 4);
    pthread_join(thread, NULL);
    close(client);
    close(served);
    close(listener);
}

/* --- leak: a thread forgets what it has opened, unless it comes late --- */

static int finished; /* atomic */

static void *forget(void *argument)
{
    int ends[2];
    (void)argument;
    assert(pipe(ends) == 0);
    close(ends[1]);
    if (FIXED_TOO || __atomic_load_n(&finished, __ATOMIC_SEQ_CST)) close(ends[0]);
    return NULL;
}

static void leak(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, forget, NULL);
    __atomic_store_n(&finished, 1, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
}

/* --- pipe: the reader may be gone; that ends a process, and another thread may have closed --- */

static int broken[2];

static void *close_reader(void *argument)
{
    close(broken[0]);
    return argument;
}

static void write_to_nobody(int threads)
{
    pthread_t thread;
    assert(pipe(broken) == 0);
    if (threads) pthread_create(&thread, NULL, close_reader, NULL);
    if (!threads) close_reader(NULL);
    if (FIXED_TOO) signal(SIGPIPE, SIG_IGN);
    assert(write(broken[1], "x", 1) == 1 || errno == EPIPE);
    if (threads) pthread_join(thread, NULL);
    close(broken[1]);
}

/* --- talk: streams over a socket --- */

static void *answer(void *argument)
{
    char line[32];
    FILE *stream = fdopen((int)(long)argument, "r+");
    assert(fgets(line, sizeof line, stream) && strcmp(line, "how much is 6 times 7?\n") == 0);
    fprintf(stream, "%d\n", 6 * 7);
    fclose(stream);
    return NULL;
}

static void talk(void)
{
    pthread_t thread;
    int ends[2], number;
    assert(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    pthread_create(&thread, NULL, answer, (void *)(long)ends[1]);
    dprintf(ends[0], "how much is %d times %d?\n", 6, 7);
    FILE *stream = fdopen(ends[0], "r");
    assert(fscanf(stream, "%d", &number) == 1 && number == 42);
    pthread_join(thread, NULL);
    fclose(stream);
    assert(dup2(STDOUT_FILENO, 9) == 9);
    dprintf(9, "%d\n", number);
    close(9);
}

int main(int argc, char **argv)
{
    const char *word = argv[argc - 1];
    if (strcmp(word, "echo") == 0) echo();
    if (strcmp(word, "selfpipe") == 0) selfpipe();
    if (strcmp(word, "pool") == 0) epoll_pool();
    if (strcmp(word, "twice") == 0) twice();
    if (strcmp(word, "parts") == 0) parts();
    if (strcmp(word, "leak") == 0) leak();
    if (strcmp(word, "pipe") == 0) write_to_nobody(1);
    if (strcmp(word, "alone") == 0) write_to_nobody(0);
    if (strcmp(word, "talk") == 0) talk();
    return 0;
}
