// What every file of the load generator needs: a clock, and one way to fail.
#ifndef BASE_H
#define BASE_H
#include <stdint.h>

// Nanoseconds of a clock that never goes back.
int64_t now(void);
// Prints the message on stderr and exits with 1.
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
#endif
