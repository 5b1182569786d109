/* skiffctl: shows and confirms which of the two system slots runs. */
#ifndef SKIFFCTL_H
#define SKIFFCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TEXT_MAX 256
#define PATH_MAX_LEN 512

/* Root of the paths that are read, '' on a running system; tests point it at a prepared folder. */
extern const char *root;

/* What the running system says about itself. */
struct system {
	char name[TEXT_MAX];
	char version[TEXT_MAX];
	char build[TEXT_MAX];
	/* 'a' or 'b', 0 when the kernel command line does not say */
	char slot;
	char usrhash[TEXT_MAX];
	/* no disk: the system runs from memory or from an ISO */
	bool live;
};

enum content { CONTENT_UNKNOWN, CONTENT_EMPTY, CONTENT_SQUASHFS };

/* A boot entry of a slot on EFI-SYSTEM, with systemd-boot's counters in its name. */
struct entry {
	bool present;
	char file[TEXT_MAX];
	char version[TEXT_MAX];
	/* counted: no boot of it was confirmed yet */
	bool counted;
	unsigned tries_left;
	unsigned tries_done;
};

/* One of USR-A and USR-B. */
struct slot {
	char letter;
	char label[8];
	bool present;
	char device[TEXT_MAX];
	unsigned long long size_bytes;
	enum content content;
	bool active;
	struct entry entry;
};

enum verity { VERITY_ABSENT, VERITY_UNKNOWN, VERITY_OK, VERITY_CORRUPT };

/* text.c */
void join_path(char *out, size_t size, const char *relative, const char *name);
int read_text(const char *relative, char *out, size_t size);
bool find_value(const char *text, const char *key, char separator, char *out, size_t size);
void copy_text(char *out, size_t size, const char *text, size_t length);
void print_json_text(FILE *out, const char *text);

/* system.c */
int read_system(struct system *system);

/* slots.c */
void read_slots(struct slot slots[2], const struct system *system);

/* verity.c */
enum verity read_verity(const char *device_name);

/* bless.c */
bool boot_partition_is_mounted(void);
void read_entry(char letter, struct entry *entry);
int mark_good(const struct system *system, const struct slot slots[2]);

/* report.c */
void print_status(const struct system *system, const struct slot slots[2], enum verity verity, bool json);
void print_slots(const struct slot slots[2], bool json);

#endif
