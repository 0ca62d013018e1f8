#include "orders.h"

#include "stock.h"

void *orders_run(void *count)
{
    for (int i = 0; i < *(int *)count; i++) stock_take();
    return NULL;
}
