#include "prebuilt.h"

int uses_prebuilt(int number);

int uses_prebuilt(int number)
{
    return number < 0 ? prebuilt_can_open("/dev/null") : prebuilt_twice(number);
}
