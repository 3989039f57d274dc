/* A clock that is not the machine's, for one process: put before it with LD_PRELOAD.
 *
 * CLOCK_WHICH      "wall": CLOCK_REALTIME alone, as when somebody sets it; "all": CLOCK_MONOTONIC as well, as on a machine
 *                  that was paused, or whose clocks run at another rate
 * CLOCK_AHEAD_MS   ahead by this from the beginning
 * CLOCK_DRIFT_PPM  runs this much too fast
 * CLOCK_STEP_MS    is set by this when CLOCK_STEP_FILE is there. Backwards it stands still for that time: a monotonic clock
 *                  never goes back
 *
 * Timers of the kernel go by the machine's clock. The programs give them the time that is left, so that they are right. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef long long nanos;

static const nanos MILLI = 1000000, SECOND = 1000000000, LOOK = 5000000;

static int (*machines)(clockid_t, struct timespec *);
static nanos ahead, drift_ppm, step;
static const char *step_file;
static int all_clocks;
static _Atomic nanos begun, stepped, looked;

static nanos number(const char *name) {
    const char *text = getenv(name);
    return text ? atoll(text) : 0;
}

static nanos machine(clockid_t which) {
    struct timespec time = {0, 0};
    machines(which, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

__attribute__((constructor)) static void begin(void) {
    const char *which = getenv("CLOCK_WHICH");
    machines = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    all_clocks = which && strcmp(which, "all") == 0;
    ahead = number("CLOCK_AHEAD_MS") * MILLI;
    drift_ppm = number("CLOCK_DRIFT_PPM");
    step = number("CLOCK_STEP_MS") * MILLI;
    step_file = getenv("CLOCK_STEP_FILE");
    begun = machine(CLOCK_MONOTONIC);
}

/* When it was set, on the machine's clock; 0 when it was not. */
static nanos set_at(nanos now) {
    nanos last = looked, not_yet = 0;
    int saved = errno;
    if (stepped || !step || !step_file || now - last < LOOK || !atomic_compare_exchange_strong(&looked, &last, now))
        return stepped;
    if (access(step_file, F_OK) == 0)
        atomic_compare_exchange_strong(&stepped, &not_yet, now);
    errno = saved;
    return stepped;
}

/* What is added to the machine's clock. */
static nanos difference(void) {
    nanos now = machine(CLOCK_MONOTONIC), sum = ahead + (now - begun) / 1000 * drift_ppm / 1000, at = set_at(now);
    if (!at)
        return sum;
    if (step >= 0)
        return sum + step;
    return sum - (now - at < -step ? now - at : -step);
}

int clock_gettime(clockid_t which, struct timespec *time) {
    if (!machines)
        begin();
    int result = machines(which, time);
    if (result == 0 && (which == CLOCK_REALTIME || (all_clocks && which == CLOCK_MONOTONIC))) {
        nanos told = time->tv_sec * SECOND + time->tv_nsec + difference();
        time->tv_sec = told / SECOND;
        time->tv_nsec = told % SECOND;
    }
    return result;
}
