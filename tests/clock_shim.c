/* The wall clock, moved: preloaded into a process, it adds the seconds that the file named by
 * CLOCK_SHIM holds to what the system says. The monotonic clocks, and times of files, stay as
 * they are. The file is read at every call, so that a test moves the clock while programs run. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static double offset_seconds(void)
{
    char text[64];
    const char *path = getenv("CLOCK_SHIM");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0)
        return 0;
    text[length] = 0;
    return atof(text);
}

static void move(struct timespec *now)
{
    double offset = offset_seconds();
    long long whole = (long long)offset;
    now->tv_sec += whole;
    now->tv_nsec += (long)((offset - (double)whole) * 1e9);
    if (now->tv_nsec >= 1000000000) {
        now->tv_sec++;
        now->tv_nsec -= 1000000000;
    } else if (now->tv_nsec < 0) {
        now->tv_sec--;
        now->tv_nsec += 1000000000;
    }
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*system_clock)(clockid_t, struct timespec *);
    if (!system_clock)
        system_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int failed = system_clock(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        move(now);
    return failed;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec moved;
    (void)zone;
    int failed = clock_gettime(CLOCK_REALTIME, &moved);
    if (!failed && now) {
        now->tv_sec = moved.tv_sec;
        now->tv_usec = moved.tv_nsec / 1000;
    }
    return failed;
}

time_t time(time_t *now)
{
    struct timespec moved;
    if (clock_gettime(CLOCK_REALTIME, &moved))
        return (time_t)-1;
    if (now)
        *now = moved.tv_sec;
    return moved.tv_sec;
}
