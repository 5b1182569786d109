#include "skiffctl.h"

#include <getopt.h>
#include <string.h>

const char *root = "";

static const char usage[] =
	"usage: skiffctl [--json] [--root=DIR] [status|slots|mark-good]\n"
	"  status     version, running slot, state of dm-verity, both slots (default)\n"
	"  slots      the two system slots and their boot entries\n"
	"  mark-good  confirm the running slot: the boot loader stops counting attempts\n"
	"  --json     for programs\n"
	"  --root=DIR look at files below DIR instead of the running system\n";

enum { EXIT_FAILED = 1, EXIT_MISUSE = 2 };

static int run_command(const char *command, bool json)
{
	struct system system;
	struct slot slots[2];
	if (read_system(&system) < 0)
		return EXIT_FAILED;
	read_slots(slots, &system);
	if (strcmp(command, "status") == 0) {
		enum verity verity = read_verity("usr");
		print_status(&system, slots, verity, json);
		return verity == VERITY_CORRUPT ? EXIT_FAILED : 0;
	}
	if (strcmp(command, "slots") == 0) {
		print_slots(slots, json);
		return 0;
	}
	if (strcmp(command, "mark-good") == 0)
		return mark_good(&system, slots);
	fprintf(stderr, "skiffctl: unknown command \"%s\"\n%s", command, usage);
	return EXIT_MISUSE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "root", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	bool json = false;
	for (int option; (option = getopt_long(argc, argv, "jhV", options, NULL)) != -1;) {
		switch (option) {
		case 'j':
			json = true;
			break;
		case 'r':
			root = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("skiffctl " SKIFFCTL_VERSION);
			return 0;
		default:
			fputs(usage, stderr);
			return EXIT_MISUSE;
		}
	}
	if (argc - optind > 1) {
		fprintf(stderr, "skiffctl: expected one command\n%s", usage);
		return EXIT_MISUSE;
	}
	int status = run_command(optind < argc ? argv[optind] : "status", json);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("skiffctl: cannot write the output");
		return EXIT_FAILED;
	}
	return status;
}
