/*
 * No globals, no thread-locals, no constructors: an image may have none of them. Unsigned, because
 * checks for signed overflow bring globals of their own.
 */
unsigned plain_entry(unsigned number);

unsigned plain_entry(unsigned number)
{
    return number + 1;
}
