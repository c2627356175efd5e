/* Declarations that the parts of the launcher share. */

#ifndef LAUNCHER_H
#define LAUNCHER_H

#include <stddef.h>
#include <stdint.h>

/* The same numbers are in launcher_protocol.py. */
enum { REQUEST = 4, STATUS = 5 };
enum stage { READING_REQUEST, LIMIT, IDENTITY, ENVIRONMENT_FILE, DIRECTORY, PROGRAM, INTERPRETER, SEARCH };
enum hint { NO_HINT, BYTE_ORDER_MARK, NO_INTERPRETER_LINE };

/* A message to the daemon: the launcher has failed with `error` (0: `text` is the reason), or is waiting. */
struct message {
    int32_t stage, place, failed, error, mode, hint;
    char text[232];
};

/* message.c */
extern struct message message;
void set_text(const char *text);
void report_wait(enum stage stage, int32_t place, const char *text);
_Noreturn void fail(int error);
void *allocate(size_t size);

/* request.c */
void read_request(void);
int64_t number(void);
int64_t count(void);
char *bytes(size_t *size);
char *text(void);
char **texts(void);

/* files.c */
size_t read_all(int file, char *into, size_t most);
int open_regular(int at);

/* rights.c */
void limit(void);
void set_priority(void);
void hide_from_user(void);
void become_the_user(void);

/* environment.c */
char **build_environment(char **given);

/* unit.c */
void enter_unit(void);
void read_input(void);

/* program.c */
_Noreturn void execute(char **argv, char **environment);

#endif
