/* Calls of the C library on files below a folder are counted, and one of them fails.

   Loaded in front of the C library (LD_PRELOAD); the run says by fault_arm what fails. A call that fails does nothing,
   but close, which closes as the kernel does. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static char folder[4096], failed[512];
static int error_number, only_writing;
static long which;
static atomic_long counted;
static atomic_char ours[4096]; /* by the number of a descriptor */

void fault_arm(const char *place, int error, int writing, long number) {
  strncpy(folder, place, sizeof folder - 1);
  error_number = error, only_writing = writing, which = number, atomic_store(&counted, 0), failed[0] = 0;
}
long fault_count(void) { return atomic_load(&counted); }
const char *fault_call(void) { return failed; }

static int below(const char *path) { return folder[0] && path && !strncmp(path, folder, strlen(folder)); }
static int is_ours(int file) { return folder[0] && file >= 0 && file < 4096 && ours[file]; }
static int keep(int file, int own) {
  if (file >= 0 && file < 4096) ours[file] = own;
  return file;
}
static int at(int base, const char *path) { return below(path) || (path && path[0] != '/' && is_ours(base)); }
static int fails(int own, int writes, const char *call, const char *path) {
  if (!own || (only_writing && !writes) || atomic_fetch_add(&counted, 1) + 1 != which) return 0;
  snprintf(failed, sizeof failed, "%s %s", call, path ? path : "");
  errno = error_number;
  return 1;
}
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRAP(type, name, types, names, own, writes, path, bad)                                                         \
  type name types {                                                                                                    \
    static type(*real) types;                                                                                          \
    if (!real) real = dlsym(RTLD_NEXT, #name);                                                                         \
    return fails(own, writes, #name, path) ? bad : real names;                                                         \
  }
#define MADE(flags) (((flags) & (O_CREAT | O_WRONLY | O_RDWR)) != 0)

int open64(const char *path, int flags, ...) {
  static int (*real)(const char *, int, ...);
  va_list more;
  va_start(more, flags);
  int mode = flags & O_CREAT ? va_arg(more, int) : 0;
  va_end(more);
  if (!real) real = dlsym(RTLD_NEXT, "open64");
  return fails(below(path), MADE(flags), "open", path) ? -1 : keep(real(path, flags, mode), below(path));
}
int openat64(int base, const char *path, int flags, ...) {
  static int (*real)(int, const char *, int, ...);
  va_list more;
  va_start(more, flags);
  int mode = flags & O_CREAT ? va_arg(more, int) : 0;
  va_end(more);
  if (!real) real = dlsym(RTLD_NEXT, "openat64");
  return fails(at(base, path), MADE(flags), "openat", path) ? -1 : keep(real(base, path, flags, mode), at(base, path));
}
int close(int file) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "close");
  int own = is_ours(file), result = real(keep(file, 0));
  return fails(own, 0, "close", 0) ? -1 : result;
}
WRAP(ssize_t, read, (int f, void *b, size_t n), (f, b, n), is_ours(f), 0, 0, -1)
WRAP(ssize_t, write, (int f, const void *b, size_t n), (f, b, n), is_ours(f), 1, 0, -1)
WRAP(ssize_t, pread64, (int f, void *b, size_t n, off64_t o), (f, b, n, o), is_ours(f), 0, 0, -1)
WRAP(ssize_t, pwrite64, (int f, const void *b, size_t n, off64_t o), (f, b, n, o), is_ours(f), 1, 0, -1)
WRAP(off64_t, lseek64, (int f, off64_t o, int w), (f, o, w), is_ours(f), 0, 0, -1)
WRAP(int, fsync, (int f), (f), is_ours(f), 1, 0, -1)
WRAP(int, ftruncate64, (int f, off64_t n), (f, n), is_ours(f), 1, 0, -1)
WRAP(int, flock, (int f, int o), (f, o), is_ours(f), 0, 0, -1)
WRAP(int, fstat64, (int f, struct stat64 *s), (f, s), is_ours(f), 0, 0, -1)
WRAP(int, stat64, (const char *p, struct stat64 *s), (p, s), below(p), 0, p, -1)
WRAP(int, lstat64, (const char *p, struct stat64 *s), (p, s), below(p), 0, p, -1)
WRAP(int, fstatat64, (int d, const char *p, struct stat64 *s, int g), (d, p, s, g), at(d, p), 0, p, -1)
WRAP(int, mkdir, (const char *p, mode_t m), (p, m), below(p), 1, p, -1)
WRAP(int, rename, (const char *p, const char *q), (p, q), below(p), 1, p, -1)
WRAP(int, renameat, (int d, const char *p, int e, const char *q), (d, p, e, q), at(d, p), 1, p, -1)
WRAP(int, unlink, (const char *p), (p), below(p), 0, p, -1)
WRAP(int, unlinkat, (int d, const char *p, int g), (d, p, g), at(d, p), 0, p, -1)
WRAP(int, rmdir, (const char *p), (p), below(p), 0, p, -1)
WRAP(DIR *, opendir, (const char *p), (p), below(p), 0, p, NULL)
WRAP(int, utimensat, (int d, const char *p, const struct timespec t[2], int g), (d, p, t, g), at(d, p), 1, p, -1)
