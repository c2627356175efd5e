/* Finds and executes the program with the rights of the task's user, or reports why it cannot. programs.py does the same
   for programs that the daemon may access. */

#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher.h"

enum { MAX_INTERPRETERS = 5 }; /* an interpreter may be a script itself; the kernel's own limit */
enum { HEAD_BYTES = 4096 };

/* Copies the name that an ELF file has for its own interpreter, ld.so; both sizes of ELF have the same fields. */
#define ELF_INTERPRETER(Ehdr, Phdr)                                                                                    \
    do {                                                                                                               \
        const Ehdr *file = (const Ehdr *)head;                                                                         \
        if (size < sizeof *file || file->e_phentsize != sizeof(Phdr))                                                  \
            return 0;                                                                                                  \
        for (uint64_t each = 0; each < file->e_phnum; each++) {                                                        \
            Phdr part;                                                                                                 \
            if (file->e_phoff > size || size - file->e_phoff < (each + 1) * sizeof part)                               \
                return 0;                                                                                              \
            memcpy(&part, head + file->e_phoff + each * sizeof part, sizeof part);                                     \
            if (part.p_type == PT_INTERP && part.p_offset < size && part.p_filesz <= size - part.p_offset)             \
                return copy_name(head + part.p_offset, part.p_filesz, "", into);                                            \
        }                                                                                                              \
    } while (0)

/* Copies the bytes before one of `ends` or a NUL; returns whether there are any. */
static int copy_name(const char *from, size_t size, const char *ends, char into[HEAD_BYTES])
{
    size_t length = strnlen(from, size);

    memcpy(into, from, length);
    into[length] = 0;
    into[strcspn(into, ends)] = 0;
    return *into != 0;
}

/* Copies what the kernel executes in place of a file that begins like this; returns whether there is such. */
static int interpreter_of(const char *head, size_t size, char into[HEAD_BYTES])
{
    if (size > 2 && memcmp(head, "#!", 2) == 0) {
        for (head += 2, size -= 2; size > 0 && (*head == ' ' || *head == '\t'); head++)
            size--;
        return copy_name(head, size, " \t\n", into);
    }
    if (size > EI_NIDENT && memcmp(head, ELFMAG, SELFMAG) == 0) {
        if (head[EI_CLASS] == ELFCLASS64)
            ELF_INTERPRETER(Elf64_Ehdr, Elf64_Phdr);
        else
            ELF_INTERPRETER(Elf32_Ehdr, Elf32_Phdr);
    }
    return 0;
}

static void set_hint(const char *head, size_t size)
{
    if (size > 2 && memcmp(head, "\xef\xbb\xbf", 3) == 0)
        message.hint = BYTE_ORDER_MARK;
    else if (size < SELFMAG || (memcmp(head, ELFMAG, SELFMAG) != 0 && memcmp(head, "#!", 2) != 0))
        message.hint = NO_INTERPRETER_LINE;
}

/* Reports why a program could not be executed: because of itself, its interpreter, or the interpreter of that one. */
static _Noreturn void explain(int error, const char *program)
{
    static _Alignas(8) char head[HEAD_BYTES], name[HEAD_BYTES];
    const char *path = program;

    for (int depth = 0; depth < MAX_INTERPRETERS; depth++) {
        struct stat status;
        int at = open(path, O_PATH | O_CLOEXEC);
        size_t size;

        message.stage = depth ? INTERPRETER : PROGRAM;
        set_text(path);
        if (at < 0 || fstat(at, &status) < 0)
            fail(errno);
        if (!S_ISREG(status.st_mode) || access(path, X_OK) < 0) {
            message.mode = status.st_mode;
            fail(EACCES);
        }
        if (access(path, R_OK) < 0)
            break;
        size = read_all(open_regular(at), head, sizeof head - 1);
        if (!interpreter_of(head, size, name)) {
            if (error == ENOEXEC)
                set_hint(head, size);
            break;
        }
        path = name;
    }
    message.stage = PROGRAM;
    set_text(program);
    fail(error);
}

static _Noreturn void execute_file(char *program, char **argv, char **environment)
{
    execve(program, argv, environment);
    if (errno == ENOENT || errno == EACCES || errno == ENOTDIR || errno == ENOEXEC || errno == ELOOP)
        explain(errno, program);
    fail(errno);
}

static int is_program(const char *path)
{
    struct stat status;

    return access(path, X_OK) == 0 && stat(path, &status) == 0 && !S_ISDIR(status.st_mode);
}

static const char *path_of(char **environment)
{
    for (; *environment; environment++)
        if (strncmp(*environment, "PATH=", 5) == 0)
            return *environment + 5;
    return "";
}

/* Finds a program as execvp(3) does, and executes it. */
static _Noreturn void search(char **argv, char **environment)
{
    const char *path = path_of(environment), *place = path;
    char *candidate = allocate(strlen(path) + strlen(*argv) + 3);

    for (int32_t each = 0;; each++) {
        size_t length = strcspn(place, ":");

        memcpy(candidate, place, length);
        strcpy(candidate + length, length ? "/" : "./");
        strcat(candidate, *argv);
        report_wait(PROGRAM, each, candidate);
        if (is_program(candidate))
            execute_file(candidate, argv, environment);
        if (place[length] == 0)
            break;
        place += length + 1;
    }
    report_wait(SEARCH, 0, path);
    fail(ENOENT);
}

_Noreturn void execute(char **argv, char **environment)
{
    if (!strchr(*argv, '/'))
        search(argv, environment);
    report_wait(PROGRAM, 0, *argv);
    execute_file(*argv, argv, environment);
}
