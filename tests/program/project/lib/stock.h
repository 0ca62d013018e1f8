/* How much there is of the one article. */
#ifndef STOCK_H
#define STOCK_H

#include <stddef.h>

void stock_take(void);
int stock_left(void);

#endif
