/* Attribute objects: plain values in the user's storage. */
#ifndef HARNESS_WORLD_ATTRIBUTES_H
#define HARNESS_WORLD_ATTRIBUTES_H

#include <pthread.h>
#include <stdbool.h>

/* NULL: the default, joinable. */
bool attributes_detached(const pthread_attr_t *attributes);

#endif
