/* A disk that does not give the first block of the file whose path ends with EIO_NAME, until that
   is written. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int healed;

static int hit(int fd) {
  const char *name = getenv("EIO_NAME");
  char link[64], path[4096];
  if (name == NULL) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  size_t ends = strlen(name);
  return (size_t)length >= ends && strcmp(path + length - ends, name) == 0;
}

#define READS(name, parameters, ...)                                  \
  ssize_t name parameters {                                           \
    static ssize_t(*real) parameters;                                 \
    if (real == NULL) real = dlsym(RTLD_NEXT, #name);                 \
    if (!healed && hit(fd)) {                                         \
      errno = EIO;                                                    \
      return -1;                                                      \
    }                                                                 \
    return real(__VA_ARGS__);                                         \
  }

#define WRITES(name, parameters, ...)                                 \
  ssize_t name parameters {                                           \
    static ssize_t(*real) parameters;                                 \
    if (real == NULL) real = dlsym(RTLD_NEXT, #name);                 \
    if (hit(fd)) healed = 1;                                          \
    return real(__VA_ARGS__);                                         \
  }

READS(read, (int fd, void *buffer, size_t count), fd, buffer, count)
READS(pread, (int fd, void *buffer, size_t count, off_t at), fd, buffer, count, at)
READS(pread64, (int fd, void *buffer, size_t count, off64_t at), fd, buffer, count, at)
WRITES(pwrite, (int fd, const void *buffer, size_t count, off_t at), fd, buffer, count, at)
WRITES(pwrite64, (int fd, const void *buffer, size_t count, off64_t at), fd, buffer, count, at)
