#ifndef TESTS_BUILD_PREBUILT_H
#define TESTS_BUILD_PREBUILT_H

int prebuilt_twice(int number);
int prebuilt_can_open(const char *path);

#endif
