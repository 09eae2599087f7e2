/* Preloaded: the sector at EIO_AT of any file whose name ends with EIO_FILE can't be read. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define SECTOR 4096

static long bad_sector(int file) {
  const char *at = getenv("EIO_AT");
  char link[64], path[512];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = at ? readlink(link, path, sizeof path - 1) : -1;
  if (length <= 0) {
    return -1;
  }
  path[length] = 0;
  const char *name = getenv("EIO_FILE");
  ssize_t ending = name ? (ssize_t)strlen(name) : 0;
  return ending > 0 && length > ending && strcmp(path + length - ending, name) == 0 ? atol(at) : -1;
}

ssize_t pread64(int file, void *buffer, size_t size, off64_t offset) {
  static ssize_t (*real)(int, void *, size_t, off64_t);
  if (!real) {
    real = (ssize_t (*)(int, void *, size_t, off64_t))dlsym(RTLD_NEXT, "pread64");
  }
  long bad = bad_sector(file);
  if (bad >= 0 && offset + (off64_t)size > bad && offset < bad + SECTOR) {
    if (offset >= bad) {
      errno = EIO;
      return -1;
    }
    size = bad - offset;
  }
  return real(file, buffer, size, offset);
}
