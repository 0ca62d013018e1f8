#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "orders.h"
#include "stock.h"

int main(int argc, char **argv)
{
    int each = argc > 1 ? (int)sqrt(atof(argv[1])) : 1;
    pthread_t shops[3];
    for (int i = 0; i < 3; i++) pthread_create(&shops[i], NULL, orders_run, &each);
    for (int i = 0; i < 3; i++) pthread_join(shops[i], NULL);
    printf("%d left after %d each\n", stock_left(), each);
    return 0;
}
