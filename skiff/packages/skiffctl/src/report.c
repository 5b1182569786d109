#include "skiffctl.h"

static const char *const content_names[] = { "unknown", "empty", "squashfs" };
static const char *const verity_names[] = { "absent", "unknown", "verified", "corrupt" };

static const char *get_boot_state(const struct entry *entry)
{
	if (!entry->present)
		return "unknown";
	if (!entry->counted)
		return "good";
	return entry->tries_left > 0 ? "trying" : "bad";
}

static void print_json_field(const char *name, const char *value, const char *end)
{
	printf("\"%s\": ", name);
	print_json_text(stdout, value);
	fputs(end, stdout);
}

static void print_json_slot(const struct slot *slot)
{
	printf("{\"slot\": \"%c\", \"label\": \"%s\", \"present\": %s, \"active\": %s, ", slot->letter, slot->label,
	       slot->present ? "true" : "false", slot->active ? "true" : "false");
	print_json_field("device", slot->device, ", ");
	printf("\"sizeBytes\": %llu, ", slot->size_bytes);
	print_json_field("content", content_names[slot->content], ", ");
	print_json_field("boot", get_boot_state(&slot->entry), ", ");
	print_json_field("version", slot->entry.version, ", ");
	printf("\"triesLeft\": %u, \"triesDone\": %u}", slot->entry.tries_left, slot->entry.tries_done);
}

static void print_json_slots(const struct slot slots[2])
{
	putchar('[');
	print_json_slot(&slots[0]);
	fputs(", ", stdout);
	print_json_slot(&slots[1]);
	putchar(']');
}

void print_slots(const struct slot slots[2], bool json)
{
	if (json) {
		print_json_slots(slots);
		putchar('\n');
		return;
	}
	printf("  %-6s %-12s %8s  %-9s %-8s %s\n", "SLOT", "DEVICE", "SIZE", "CONTENT", "BOOT", "VERSION");
	for (int i = 0; i < 2; i++) {
		const struct slot *slot = &slots[i];
		const char *device = slot->present ? slot->device : "missing";
		printf("%c %-6s %-12s %4llu MiB  %-9s %-8s %s\n", slot->active ? '*' : ' ', slot->label, device,
		       slot->size_bytes >> 20, content_names[slot->content], get_boot_state(&slot->entry),
		       slot->entry.version);
	}
}

static void print_json_status(const struct system *system, const struct slot slots[2], enum verity verity)
{
	const char slot[] = { system->slot, '\0' };
	putchar('{');
	print_json_field("name", system->name, ", ");
	print_json_field("version", system->version, ", ");
	print_json_field("buildId", system->build, ", ");
	if (system->slot)
		print_json_field("slot", slot, ", ");
	else
		fputs("\"slot\": null, ", stdout);
	printf("\"live\": %s, ", system->live ? "true" : "false");
	print_json_field("verity", verity_names[verity], ", ");
	print_json_field("usrhash", system->usrhash, ", ");
	fputs("\"slots\": ", stdout);
	print_json_slots(slots);
	fputs("}\n", stdout);
}

void print_status(const struct system *system, const struct slot slots[2], enum verity verity, bool json)
{
	if (json) {
		print_json_status(system, slots, verity);
		return;
	}
	printf("%s %s\n", system->name, system->version);
	if (system->live)
		puts("slot:   none, this is a live system");
	else
		printf("slot:   %c\n", system->slot ? system->slot : '?');
	printf("verity: %s%s\n", verity_names[verity], verity == VERITY_UNKNOWN ? " (only root can see it)" : "");
	printf("hash:   %s\n\n", system->usrhash);
	print_slots(slots, false);
}
