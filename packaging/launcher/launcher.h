/* What the parts of the launcher have in common. */

#ifndef LAUNCHER_H
#define LAUNCHER_H

#include <stddef.h>
#include <stdint.h>

/* The numbers are launcher.py's as well. */
enum { ORDERS = 4, STATUS = 5 };
enum stage { TAKING_ORDERS, LIMIT, IDENTITY, ENVIRONMENT_FILE, DIRECTORY, PROGRAM, INTERPRETER, SEARCH };
enum hint { NO_HINT, BYTE_ORDER_MARK, NO_INTERPRETER_LINE };

/* What is told: it has failed with that error (0: `text` says it), or it waits. */
struct told {
    int32_t stage, place, failed, error, mode, hint;
    char text[232];
};

/* told.c */
extern struct told told;
void set_text(const char *text);
void waits_for(enum stage stage, int32_t place, const char *text);
_Noreturn void fail(int error);
void *memory(size_t size);

/* orders.c */
void take_orders(void);
int64_t number(void);
int64_t count(void);
char *text(void);
char **texts(void);

/* files.c */
size_t read_all(int file, char *into, size_t most);
int open_regular(int at);

/* rights.c */
void limit(void);
void set_priority(void);
void become_the_user(void);

/* environment.c */
char **take_environment(void);

/* program.c */
_Noreturn void execute(char **argv, char **environment);

#endif
