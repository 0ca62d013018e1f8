/* What threads of a generated program do with descriptors. Of each object there are two: calls on
 * the first one wait, those on the second one never do. */
#ifndef TESTS_EXPLORE_WIRED_H
#define TESTS_EXPLORE_WIRED_H

enum wired_op {
    WIRED_NOTHING,
    WIRED_WRITE,     /* a byte into a pipe */
    WIRED_READ,      /* a byte out of it */
    WIRED_CONNECT,   /* to a listener */
    WIRED_ACCEPT,    /* and look who it is */
    WIRED_POLL,      /* whether there is something to be read from the pipe */
    WIRED_POLL_LISTENER,
    WIRED_SEND,      /* a byte into a pair of sockets, */
    WIRED_RECV,      /* and out of it */
    WIRED_SHUTDOWN,  /* of the end that sends */
    WIRED_CLOSE_OUT, /* the end of the pipe that is written to */
    WIRED_CLOSE_IN,
    WIRED_COUNT,
    WIRED_POLL_BOTH = WIRED_COUNT, /* both pipes, and both listeners: */
    WIRED_SELECT,    /* the pipe of the object and the sockets of the other one */
    WIRED_EPOLL,     /* both pipes; so many are told of as the object says, and one more */
    WIRED_EPOLL_OFF, /* the pipe is watched no longer */
    WIRED_EPOLL_ON,  /* the socket is watched, for what comes from now on */
    WIRED_CHANCE,    /* a random number of the system's */
    WIRED_ALL,
};

void program_wired(void);

#endif
