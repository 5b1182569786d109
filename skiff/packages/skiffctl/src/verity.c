#include "skiffctl.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Room for the status of one target: a letter, and with forward error correction a number. */
struct status_request {
	struct dm_ioctl header;
	char data[1024];
};

static void prepare(struct status_request *request, const char *device_name)
{
	memset(request, 0, sizeof *request);
	request->header.version[0] = DM_VERSION_MAJOR;
	request->header.data_size = sizeof *request;
	request->header.data_start = offsetof(struct status_request, data);
	copy_text(request->header.name, sizeof request->header.name, device_name, strlen(device_name));
}

/*
 * Asks the kernel about a mapped device. It answers `V` as long as every block that was read matched the root hash, and
 * `C` from the first one on that did not.
 */
enum verity read_verity(const char *device_name)
{
	struct status_request request;
	char path[PATH_MAX_LEN];
	join_path(path, sizeof path, "/dev/mapper/control", NULL);
	int control = open(path, O_RDWR | O_CLOEXEC);
	if (control < 0)
		return VERITY_UNKNOWN;
	prepare(&request, device_name);
	int failed = ioctl(control, DM_TABLE_STATUS, &request);
	close(control);
	if (failed || request.header.target_count != 1)
		return VERITY_ABSENT;
	if (request.header.data_start + sizeof(struct dm_target_spec) >= sizeof request)
		return VERITY_UNKNOWN;
	const struct dm_target_spec *target = (const void *)((const char *)&request + request.header.data_start);
	if (strcmp(target->target_type, "verity") != 0)
		return VERITY_ABSENT;
	switch (((const char *)(target + 1))[0]) {
	case 'V':
		return VERITY_OK;
	case 'C':
		return VERITY_CORRUPT;
	default:
		return VERITY_UNKNOWN;
	}
}
