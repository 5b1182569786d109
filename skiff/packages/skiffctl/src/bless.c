#include "skiffctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES "/boot/loader/entries"

bool boot_partition_is_mounted(void)
{
	char path[PATH_MAX_LEN];
	join_path(path, sizeof path, ENTRIES, NULL);
	return access(path, F_OK) == 0;
}

/*
 * Parses the name of a boot entry: a.conf (confirmed), a+3.conf (three attempts left), a+2-1.conf (two left, one
 * done). Returns whether it belongs to the slot.
 */
static bool parse_name(const char *name, char letter, struct entry *entry)
{
	char suffix[8] = "";
	if (name[0] != letter)
		return false;
	entry->counted = name[1] == '+';
	entry->tries_left = entry->tries_done = 0;
	if (!entry->counted)
		return strcmp(name + 1, ".conf") == 0;
	if (sscanf(name + 2, "%u-%u%7s", &entry->tries_left, &entry->tries_done, suffix) == 3)
		return strcmp(suffix, ".conf") == 0;
	entry->tries_done = 0;
	return sscanf(name + 2, "%u%7s", &entry->tries_left, suffix) == 2 && strcmp(suffix, ".conf") == 0;
}

/* Takes the version from the text of a boot entry: `version` and spaces at the start of a line. */
static void read_entry_version(struct entry *entry)
{
	char relative[PATH_MAX_LEN];
	char text[4096];
	snprintf(relative, sizeof relative, ENTRIES "/%s", entry->file);
	if (read_text(relative, text, sizeof text) < 0)
		return;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (strncmp(line, "version", 7) == 0 && (line[7] == ' ' || line[7] == '\t')) {
			const char *value = line + 7 + strspn(line + 7, " \t");
			copy_text(entry->version, sizeof entry->version, value, strlen(value));
		}
}

/* Finds the boot entry of a slot; none is there when EFI-SYSTEM is not mounted. */
void read_entry(char letter, struct entry *entry)
{
	char path[PATH_MAX_LEN];
	memset(entry, 0, sizeof *entry);
	join_path(path, sizeof path, ENTRIES, NULL);
	DIR *folder = opendir(path);
	if (!folder)
		return;
	for (struct dirent *item = readdir(folder); item && !entry->present; item = readdir(folder)) {
		entry->present = parse_name(item->d_name, letter, entry);
		if (entry->present)
			copy_text(entry->file, sizeof entry->file, item->d_name, strlen(item->d_name));
	}
	closedir(folder);
	if (entry->present)
		read_entry_version(entry);
}

/* Renames the entry inside its folder, and waits until the disk has it: a power cut right after must not count. */
static int rename_entry(const char *from, const char *to)
{
	char path[PATH_MAX_LEN];
	join_path(path, sizeof path, ENTRIES, NULL);
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -1;
	int failed = renameat(folder, from, folder, to);
	int reason = errno;
	if (!failed && syncfs(folder) < 0) {
		failed = -1;
		reason = errno;
	}
	close(folder);
	errno = reason;
	return failed;
}

/* Confirms the running slot: the boot loader stops counting its attempts. Returns 0, or 1 after a message. */
int mark_good(const struct system *system, const struct slot slots[2])
{
	if (system->live || !system->slot) {
		fprintf(stderr, "skiffctl: this system does not run from a slot; there is nothing to confirm\n");
		return 1;
	}
	if (!boot_partition_is_mounted()) {
		fprintf(stderr, "skiffctl: EFI-SYSTEM is not mounted at /boot\n  run: systemctl start boot.mount\n");
		return 1;
	}
	const struct entry *entry = &slots[system->slot - 'a'].entry;
	char target[] = { system->slot, '.', 'c', 'o', 'n', 'f', '\0' };
	if (!entry->present) {
		fprintf(stderr, "skiffctl: %s has no boot entry for slot %c\n", ENTRIES, system->slot);
		return 1;
	}
	if (!entry->counted) {
		printf("slot %c was already good\n", system->slot);
		return 0;
	}
	if (rename_entry(entry->file, target) < 0) {
		fprintf(stderr, "skiffctl: cannot rename %s/%s to %s: %s\n", ENTRIES, entry->file, target, strerror(errno));
		return 1;
	}
	printf("slot %c is good now\n", system->slot);
	return 0;
}
