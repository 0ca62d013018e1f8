/* Orders take from the stock. */
#ifndef ORDERS_H
#define ORDERS_H

void *orders_run(void *count);

#endif
