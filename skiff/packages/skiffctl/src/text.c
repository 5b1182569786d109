#include "skiffctl.h"

#include <errno.h>
#include <string.h>

/* Path below the root; a name that does not fit is cut, and then simply is not found. */
void join_path(char *out, size_t size, const char *relative, const char *name)
{
	snprintf(out, size, "%s%s%s%s", root, relative, name ? "/" : "", name ? name : "");
}

/* Reads a small file as text, without its last line end. Returns 0, or -1 with errno. */
int read_text(const char *relative, char *out, size_t size)
{
	char path[PATH_MAX_LEN];
	join_path(path, sizeof path, relative, NULL);
	FILE *file = fopen(path, "re");
	if (!file)
		return -1;
	size_t length = fread(out, 1, size - 1, file);
	int failed = ferror(file) ? EIO : 0;
	fclose(file);
	while (length > 0 && out[length - 1] == '\n')
		length--;
	out[length] = '\0';
	errno = failed;
	return failed ? -1 : 0;
}

void copy_text(char *out, size_t size, const char *text, size_t length)
{
	if (length >= size)
		length = size - 1;
	memcpy(out, text, length);
	out[length] = '\0';
}

/*
 * Finds KEY=VALUE among fields that are separated by `separator` (a line end for os-release and uevent files, a space
 * for the kernel command line). Takes double quotes off the value.
 */
bool find_value(const char *text, const char *key, char separator, char *out, size_t size)
{
	size_t key_length = strlen(key);
	for (const char *field = text; *field;) {
		const char *end = strchrnul(field, separator);
		size_t length = (size_t)(end - field);
		if (length > key_length && field[key_length] == '=' && memcmp(field, key, key_length) == 0) {
			const char *value = field + key_length + 1;
			size_t value_length = (size_t)(end - value);
			if (value_length >= 2 && value[0] == '"' && value[value_length - 1] == '"') {
				value++;
				value_length -= 2;
			}
			copy_text(out, size, value, value_length);
			return true;
		}
		field = *end ? end + 1 : end;
	}
	if (size > 0)
		out[0] = '\0';
	return false;
}

void print_json_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c < 0x20)
			fprintf(out, "\\u%04x", *c);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}
