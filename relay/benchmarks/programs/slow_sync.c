/* A model of a slower disk: fdatasync and fsync take at least so many milliseconds.
 *
 *     cc -shared -fPIC -o slow_sync.so slow_sync.c -ldl; SLOW_SYNC_MS=2 LD_PRELOAD=slow_sync.so …
 *
 * What a sync costs is waited for behind it: others go on meanwhile, as with a real disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

static int slowly(const char *name, int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
	const char *text = getenv("SLOW_SYNC_MS");
	long nanos = (text ? atol(text) : 0) * 1000000;
	struct timespec end;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += nanos;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	int done = real(fd);
	int error = errno;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
		;
	errno = error;
	return done;
}

int fdatasync(int fd)
{
	return slowly("fdatasync", fd);
}

int fsync(int fd)
{
	return slowly("fsync", fd);
}
