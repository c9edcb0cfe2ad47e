/* A file layer that fails at the n-th call below a folder; LD_PRELOAD puts it before libc's.
 *
 * Nothing fails before `faults_arm` was called. Calls that can't fail in the way that is asked for
 * (nothing is too full to be removed) are neither counted nor fail. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAKE = 1, WRITE = 2, FLUSH = 4, RENAME = 8, REMOVE = 16, READ = 32 };
enum { SHORT = -1, VANISHED = -2 };

static char below[PATH_MAX], vanishing[PATH_MAX], gone[PATH_MAX + 8];
static int fails_at, error_number, lasts, kinds;
static atomic_int calls;

void faults_arm(const char *folder, int at, int number, int stays, int which, const char *vanishes) {
    snprintf(below, sizeof below, "%s", folder);
    snprintf(vanishing, sizeof vanishing, "%s", vanishes);
    snprintf(gone, sizeof gone, "%s.gone", vanishes);
    fails_at = at, error_number = number, lasts = stays, kinds = which;
    calls = 0;
}

int faults_calls(void) { return calls; }

static int is_below(const char *path) {
    size_t length = strlen(below);
    return length && !strncmp(path, below, length) && (path[length] == '/' || !path[length]);
}

/* Returns whether a call on a path fails now: 1 with errno, SHORT for half of a write. */
static int fails(int kind, const char *path) {
    if (!(kind & kinds) || !is_below(path)) return 0;
    int number = ++calls;
    if (!fails_at || number < fails_at || (number > fails_at && !lasts)) return 0;
    if (error_number == SHORT) return SHORT;
    if (error_number == VANISHED) {
        static int (*real)(const char *, const char *);
        if (!real) real = dlsym(RTLD_NEXT, "rename");
        real(vanishing, gone);
        return 0;
    }
    errno = error_number;
    return 1;
}

static int fails_open(int kind, int descriptor) {
    char link[64], path[PATH_MAX];
    if (!below[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails(kind, path);
}

static int fails_at_name(int kind, int folder, const char *name) {
    char path[PATH_MAX * 2], link[64];
    if (!below[0] || !name) return 0;
    if (name[0] == '/') return fails(kind, name);
    if (folder == AT_FDCWD) {
        if (!getcwd(path, PATH_MAX)) return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, path, PATH_MAX - 1);
        if (length < 0) return 0;
        path[length] = 0;
    }
    size_t used = strlen(path);
    snprintf(path + used, sizeof path - used, "/%s", name);
    return fails(kind, path);
}

static int of_flags(int flags) { return flags & (O_WRONLY | O_RDWR | O_CREAT) ? MAKE : READ; }

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define MODE \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest)

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, name, const char *, int, ...); \
        MODE; \
        return fails_at_name(of_flags(flags), AT_FDCWD, path) ? -1 : real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(int, name, int, const char *, int, ...); \
        MODE; \
        return fails_at_name(of_flags(flags), folder, path) ? -1 : real(folder, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name) \
    FILE *name(const char *path, const char *mode) { \
        REAL(FILE *, name, const char *, const char *); \
        int kind = strpbrk(mode, "wa+") ? MAKE : READ; \
        return fails_at_name(kind, AT_FDCWD, path) ? NULL : real(path, mode); \
    }
FOPEN(fopen)
FOPEN(fopen64)

ssize_t write(int file, const void *data, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    int failure = fails_open(WRITE, file);
    return failure == 1 ? -1 : real(file, data, failure && size > 1 ? size / 2 : size);
}

#define PWRITE(name, offset_type) \
    ssize_t name(int file, const void *data, size_t size, offset_type at) { \
        REAL(ssize_t, name, int, const void *, size_t, offset_type); \
        int failure = fails_open(WRITE, file); \
        return failure == 1 ? -1 : real(file, data, failure && size > 1 ? size / 2 : size, at); \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t writev(int file, const struct iovec *parts, int count) {
    REAL(ssize_t, writev, int, const struct iovec *, int);
    int failure = fails_open(WRITE, file);
    return failure == 1 ? -1 : real(file, parts, failure && count > 1 ? 1 : count);
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
    REAL(size_t, fwrite, const void *, size_t, size_t, FILE *);
    return fails_open(WRITE, fileno(file)) == 1 ? 0 : real(data, size, count, file);
}

ssize_t read(int file, void *data, size_t size) {
    REAL(ssize_t, read, int, void *, size_t);
    return fails_open(READ, file) ? -1 : real(file, data, size);
}

#define ONE(type, name, kind) \
    type name(int file) { \
        REAL(type, name, int); \
        return fails_open(kind, file) == 1 ? -1 : real(file); \
    }
ONE(int, fsync, FLUSH)
ONE(int, fdatasync, FLUSH)

int posix_fallocate(int file, off_t at, off_t size) {
    REAL(int, posix_fallocate, int, off_t, off_t);
    return fails_open(MAKE, file) == 1 ? errno : real(file, at, size);
}
int posix_fallocate64(int file, off64_t at, off64_t size) {
    REAL(int, posix_fallocate64, int, off64_t, off64_t);
    return fails_open(MAKE, file) == 1 ? errno : real(file, at, size);
}

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    return fails_at_name(RENAME, AT_FDCWD, from) ? -1 : real(from, to);
}
int renameat(int one, const char *from, int other, const char *to) {
    REAL(int, renameat, int, const char *, int, const char *);
    return fails_at_name(RENAME, one, from) ? -1 : real(one, from, other, to);
}
int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    return fails_at_name(MAKE, AT_FDCWD, path) ? -1 : real(path, mode);
}
int mkdirat(int folder, const char *path, mode_t mode) {
    REAL(int, mkdirat, int, const char *, mode_t);
    return fails_at_name(MAKE, folder, path) ? -1 : real(folder, path, mode);
}
int symlink(const char *target, const char *path) {
    REAL(int, symlink, const char *, const char *);
    return fails_at_name(MAKE, AT_FDCWD, path) ? -1 : real(target, path);
}
int symlinkat(const char *target, int folder, const char *path) {
    REAL(int, symlinkat, const char *, int, const char *);
    return fails_at_name(MAKE, folder, path) ? -1 : real(target, folder, path);
}
int unlink(const char *path) {
    REAL(int, unlink, const char *);
    return fails_at_name(REMOVE, AT_FDCWD, path) ? -1 : real(path);
}
int unlinkat(int folder, const char *path, int flags) {
    REAL(int, unlinkat, int, const char *, int);
    return fails_at_name(REMOVE, folder, path) ? -1 : real(folder, path, flags);
}
int rmdir(const char *path) {
    REAL(int, rmdir, const char *);
    return fails_at_name(REMOVE, AT_FDCWD, path) ? -1 : real(path);
}
