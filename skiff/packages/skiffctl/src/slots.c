#include "skiffctl.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define SQUASHFS_MAGIC "hsqs"
#define SECTOR_BYTES 512ULL

/* Looks at the first block of a partition: a written slot starts with a squashfs. */
static enum content read_content(const char *device)
{
	static const char zeros[4096];
	char block[sizeof zeros];
	char path[PATH_MAX_LEN];
	join_path(path, sizeof path, device, NULL);
	FILE *file = fopen(path, "re");
	if (!file)
		return CONTENT_UNKNOWN;
	size_t length = fread(block, 1, sizeof block, file);
	fclose(file);
	if (length < strlen(SQUASHFS_MAGIC))
		return CONTENT_UNKNOWN;
	if (memcmp(block, SQUASHFS_MAGIC, strlen(SQUASHFS_MAGIC)) == 0)
		return CONTENT_SQUASHFS;
	return memcmp(block, zeros, length) == 0 ? CONTENT_EMPTY : CONTENT_UNKNOWN;
}

/* Fills in a slot when block device `name` is its partition; the kernel knows the labels. */
static void match_partition(struct slot *slot, const char *name)
{
	char relative[PATH_MAX_LEN];
	char text[2048];
	char value[TEXT_MAX];
	snprintf(relative, sizeof relative, "/sys/class/block/%s/uevent", name);
	if (slot->present || read_text(relative, text, sizeof text) < 0)
		return;
	if (!find_value(text, "PARTNAME", '\n', value, sizeof value) || strcmp(value, slot->label) != 0)
		return;
	slot->present = true;
	snprintf(slot->device, sizeof slot->device, "/dev/%.*s", (int)(sizeof slot->device - 6), name);
	snprintf(relative, sizeof relative, "/sys/class/block/%s/size", name);
	if (read_text(relative, value, sizeof value) == 0)
		slot->size_bytes = strtoull(value, NULL, 10) * SECTOR_BYTES;
	slot->content = read_content(slot->device);
}

/* Finds both slots, and which of them runs. */
void read_slots(struct slot slots[2], const struct system *system)
{
	char path[PATH_MAX_LEN];
	memset(slots, 0, 2 * sizeof slots[0]);
	for (int i = 0; i < 2; i++) {
		slots[i].letter = (char)('a' + i);
		snprintf(slots[i].label, sizeof slots[i].label, "USR-%c", 'A' + i);
		slots[i].active = system->slot == slots[i].letter && !system->live;
		read_entry(slots[i].letter, &slots[i].entry);
	}
	join_path(path, sizeof path, "/sys/class/block", NULL);
	DIR *folder = opendir(path);
	if (!folder)
		return;
	for (struct dirent *item = readdir(folder); item; item = readdir(folder))
		if (item->d_name[0] != '.')
			for (int i = 0; i < 2; i++)
				match_partition(&slots[i], item->d_name);
	closedir(folder);
}
