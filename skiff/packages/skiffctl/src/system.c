#include "skiffctl.h"

#include <errno.h>
#include <string.h>

/* Reads /etc/os-release and the kernel command line. Returns 0, or -1 after a message. */
int read_system(struct system *system)
{
	char text[8192];
	char value[TEXT_MAX];
	memset(system, 0, sizeof *system);
	if (read_text("/etc/os-release", text, sizeof text) < 0) {
		fprintf(stderr, "skiffctl: cannot read /etc/os-release: %s\n", strerror(errno));
		return -1;
	}
	find_value(text, "NAME", '\n', system->name, sizeof system->name);
	find_value(text, "VERSION", '\n', system->version, sizeof system->version);
	find_value(text, "BUILD_ID", '\n', system->build, sizeof system->build);
	if (read_text("/proc/cmdline", text, sizeof text) < 0) {
		fprintf(stderr, "skiffctl: cannot read /proc/cmdline: %s\n", strerror(errno));
		return -1;
	}
	if (find_value(text, "skiff.slot", ' ', value, sizeof value) && (!strcmp(value, "a") || !strcmp(value, "b")))
		system->slot = value[0];
	find_value(text, "usrhash", ' ', system->usrhash, sizeof system->usrhash);
	system->live = find_value(text, "skiff.live", ' ', value, sizeof value);
	return 0;
}
