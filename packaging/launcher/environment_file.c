/* The syntax of environment files, as EnvironmentFile= of systemd.exec(5): `parse_environment` of environment.py in C,
   for files that only the task's user may read. A test compares the two.

   All syntax is ASCII, so this reads bytes, not characters; except around names, where Unicode blanks are dropped. */

#include <stdio.h>
#include <string.h>

#include "environment_file.h"

struct cursor {
    const char *at, *end;
    char *to;
};

static int is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

/* Returns the length of the character at `at`, and the character in `found`; 0 if it is not valid UTF-8. */
static size_t character(const char *at, const char *end, unsigned long *found)
{
    const unsigned char *byte = (const unsigned char *)at;
    size_t size = *byte < 0x80 ? 1 : *byte < 0xc2 ? 0 : *byte < 0xe0 ? 2 : *byte < 0xf0 ? 3 : *byte < 0xf5 ? 4 : 0;
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};

    if (size == 0 || (size_t)(end - at) < size)
        return 0;
    *found = size == 1 ? *byte : *byte & (0x7fu >> size);
    for (size_t more = 1; more < size; more++) {
        if ((byte[more] & 0xc0) != 0x80)
            return 0;
        *found = *found << 6 | (byte[more] & 0x3f);
    }
    return *found < least[size] || *found > 0x10ffff || (*found >= 0xd800 && *found < 0xe000) ? 0 : size;
}

/* Whether Python's str.strip() removes it. */
static int is_space(unsigned long character)
{
    return (character >= 0x09 && character <= 0x0d) || (character >= 0x1c && character <= 0x20) || character == 0x85 ||
           character == 0xa0 || character == 0x1680 || (character >= 0x2000 && character <= 0x200a) ||
           character == 0x2028 || character == 0x2029 || character == 0x202f || character == 0x205f ||
           character == 0x3000;
}

static int is_text(const char *text, size_t length, char trouble[TROUBLE_BYTES])
{
    const char *at = text, *end = text + length;
    unsigned long found;
    size_t size;

    if (memchr(text, 0, length)) {
        snprintf(trouble, TROUBLE_BYTES, "contains a NUL byte");
        return 0;
    }
    for (; at < end; at += size) {
        size = character(at, end, &found);
        if (size == 0) {
            snprintf(trouble, TROUBLE_BYTES, "not UTF-8: byte 0x%02x at position %zu", (unsigned char)*at, at - text);
            return 0;
        }
    }
    return 1;
}

/* Removes the blanks around a name. */
static void strip(const char **from, const char **to)
{
    const char *at, *last = *from;
    unsigned long found;
    size_t size;

    while (*from < *to && (size = character(*from, *to, &found)) && is_space(found))
        *from += size;
    for (last = at = *from; at < *to && (size = character(at, *to, &found)); at += size)
        if (!is_space(found))
            last = at + size;
    *to = last;
}

static int single_quoted(struct cursor *text)
{
    const char *end = memchr(text->at, '\'', text->end - text->at);

    if (!end)
        return 0;
    memcpy(text->to, text->at, end - text->at);
    text->to += end - text->at;
    text->at = end + 1;
    return 1;
}

static int double_quoted(struct cursor *text)
{
    while (text->at < text->end) {
        char this = *text->at++;

        if (this == '"')
            return 1;
        if (this == '\\' && text->at < text->end && strchr("\"\\`$\n", *text->at)) {
            this = *text->at++;
            if (this == '\n')
                continue;
        }
        *text->to++ = this;
    }
    return 0;
}

/* Reads to the end of the line, which is skipped; drops blanks at its end, unless a backslash protects them. */
static void unquoted(struct cursor *text)
{
    char *trimmed = text->to;

    while (text->at < text->end && *text->at != '\n') {
        char this = *text->at++;
        int protects = this == '\\' && text->at < text->end;

        if (protects)
            this = *text->at++;
        if (!protects || this != '\n')
            *text->to++ = this;
        if (protects || !is_blank(this))
            trimmed = text->to;
    }
    text->to = trimmed;
    text->at += text->at < text->end;
}

/* Reads a value, and moves to the next line; returns what is wrong with it, or NULL. */
static const char *value(struct cursor *text)
{
    for (;;) {
        while (text->at < text->end && is_blank(*text->at))
            text->at++;
        if (text->at < text->end && *text->at == '\'') {
            text->at++;
            if (!single_quoted(text))
                return "a ' is not closed";
        } else if (text->at < text->end && *text->at == '"') {
            text->at++;
            if (!double_quoted(text))
                return "a \" is not closed";
        } else {
            unquoted(text);
            return NULL;
        }
    }
}

long parse_environment(const char *text, size_t length, char *into, char trouble[TROUBLE_BYTES])
{
    struct cursor cursor = {text, text + length, into};

    if (!is_text(text, length, trouble))
        return -1;
    while (cursor.at < cursor.end) {
        const char *line_end = memchr(cursor.at, '\n', cursor.end - cursor.at);
        const char *from = cursor.at, *to, *equals, *wrong;

        line_end = line_end ? line_end : cursor.end;
        to = equals = memchr(from, '=', line_end - from);
        if (equals)
            strip(&from, &to);
        if (!equals || from == to || *from == '#' || *from == ';') {
            cursor.at = line_end + 1;
            continue;
        }
        memcpy(cursor.to, from, to - from);
        cursor.to += to - from;
        *cursor.to++ = '=';
        cursor.at = equals + 1;
        wrong = value(&cursor);
        if (wrong) {
            snprintf(trouble, TROUBLE_BYTES, "%s", wrong);
            return -1;
        }
        *cursor.to++ = 0;
    }
    return cursor.to - into;
}
