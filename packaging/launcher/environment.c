/* Builds the environment of the program with the rights of the task's user. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environment_file.h"
#include "launcher.h"

enum { MAX_BYTES = 1024 * 1024 }; /* of an environment file; also in environment_files.py */

struct variable {
    char *text;
    size_t order;
};

static struct variable *variables;
static size_t count_of_variables, room_for_variables;

static void add(char *assignment)
{
    if (count_of_variables == room_for_variables) {
        room_for_variables = 2 * room_for_variables + 64;
        variables = realloc(variables, room_for_variables * sizeof *variables);
        if (!variables)
            fail(ENOMEM);
    }
    variables[count_of_variables] = (struct variable){assignment, count_of_variables};
    count_of_variables++;
}

static int is_same_name(const char *one, const char *other)
{
    size_t length = strcspn(one, "=");

    return length == strcspn(other, "=") && memcmp(one, other, length) == 0;
}

/* Orders by name; of the same name, the latest first. */
static int compare_variables(const void *one, const void *other)
{
    const struct variable *first = one, *second = other;
    size_t length = strcspn(first->text, "="), others = strcspn(second->text, "=");
    int order = memcmp(first->text, second->text, length < others ? length : others);

    if (order == 0 && length != others)
        order = length < others ? -1 : 1;
    return order ? order : second->order < first->order ? -1 : 1;
}

static void read_environment_file(int32_t place, char *path)
{
    int optional = *path == '-', at, file;
    char *content, *assignments;
    size_t size;
    long length;

    path += optional;
    report_wait(ENVIRONMENT_FILE, place, path);
    at = open(path, O_PATH | O_CLOEXEC);
    if (at < 0 && optional && errno == ENOENT)
        return;
    if (at < 0)
        fail(errno);
    file = open_regular(at);
    content = allocate(MAX_BYTES + 1);
    size = read_all(file, content, MAX_BYTES + 1);
    close(file);
    if (size > MAX_BYTES) {
        set_text("larger than 1048576 bytes");
        fail(0);
    }
    assignments = allocate(size + 1);
    length = parse_environment(content, size, assignments, message.text);
    if (length < 0)
        fail(0);
    free(content);
    for (char *each = assignments; each < assignments + length; each += strlen(each) + 1)
        add(each);
}

/* In ascending precedence: those of its unit, the task's variables, those of its environment files, and `own`, which identify the run. `own`
   comes first in the result, as the daemon searches the beginning of /proc/PID/environ for them. */
char **build_environment(char **given)
{
    char **before = texts(), **files = texts(), **own = texts(), **environment, **to;

    for (; *given; given++)
        add(*given);
    for (; *before; before++)
        add(*before);
    for (int32_t place = 0; files[place]; place++)
        read_environment_file(place, files[place]);
    for (char **each = own; *each; each++)
        add(*each);
    qsort(variables, count_of_variables, sizeof *variables, compare_variables);
    to = environment = allocate((2 * count_of_variables + 1) * sizeof *environment);
    for (char **each = own; *each; each++)
        *to++ = *each;
    for (size_t each = 0; each < count_of_variables; each++) {
        int is_own = 0;

        for (char **one = own; *one; one++)
            is_own |= is_same_name(*one, variables[each].text);
        if (!is_own && (each == 0 || !is_same_name(variables[each].text, variables[each - 1].text)))
            *to++ = variables[each].text;
    }
    *to = NULL;
    return environment;
}
