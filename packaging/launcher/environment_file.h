/* The syntax of environment files: environment_file.c. */

#ifndef ENVIRONMENT_FILE_H
#define ENVIRONMENT_FILE_H

#include <stddef.h>

enum { TROUBLE_BYTES = 64 };

/* Parses the `length` bytes of `text`. Writes its assignments, NAME=VALUE with a NUL after each, to `into`, which has
   room for `length` + 1 bytes, and returns how many bytes these are; -1: `trouble` says what is wrong. */
long parse_environment(const char *text, size_t length, char *into, char trouble[TROUBLE_BYTES]);

#endif
