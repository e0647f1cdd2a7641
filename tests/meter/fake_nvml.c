/* A stand-in for libnvidia-ml.so.1, driven by a text file that is read anew at every call.
 *
 * The file is named by fake_nvml_state() or by the variable FAKE_NVML; without one this library
 * answers as if there were none. Lines, in any order, those of a board after its `board` line:
 *
 *   generation N (the scripts of `counts` begin again where it changes)
 *   driver TEXT                 error FUNCTION CODE (before any board: of the whole library)
 *   board UUID                  name TEXT            pci BUS            device PCI_DEVICE_ID
 *   architecture N              memory BYTES         temperature CELSIUS
 *   power SECONDS WATTS         (repeated: from CLOCK_MONOTONIC seconds on, the board draws watts)
 *   tick SECONDS                (counter and power move at multiples of it)
 *   average SECONDS             (nvmlDeviceGetPowerUsage is a mean over so long)
 *   instant 0|1                 (whether the field of instantaneous power is there)
 *   scale FACTOR                (counter over power)
 *   c2c 0|1                     (a processor is linked to the GPU; no line: the call is unknown)
 *   rest WATTS                  (of the module beside the GPU: in the counter, and a power scope)
 *   frozen SECONDS              (the counter stands still from then on)
 *   reset SECONDS               (the counter began again at 0 then)
 *   counts MJ MJ ...            (one value a call, in place of all that; the last one stays)
 *   limits LIMIT DEFAULT LOW HIGH (mW)
 *   process PID                 share PID PERCENT    (repeated)
 *   mig 0|1                     instance MIG_UUID    (repeated)
 *   set INDEX MW                (appended by nvmlDeviceSetPowerManagementLimit)
 *
 * -DNO_ENERGY, -DNO_FIELDS, -DNO_SHARES, -DNO_MIG and -DNO_PROCESSES_V3 leave out symbols that an
 * old driver does not have.
 */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BOARDS = 8, MANY = 64, ERRORS = 16, TEXT = 96 };
enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7, LIBRARY_NOT_FOUND = 12
};
enum { POWER_INSTANT = 186, TYPE_UNSIGNED_INT = 1, MODULE = 1 };

typedef void *Device;
typedef struct { char function[TEXT]; int code; } Error;
typedef struct {
    char uuid[TEXT], name[TEXT];
    unsigned pci, device, architecture, temperature, limits[4];
    unsigned long long memory;
    int mig, instant, c2c, n_power, n_counts, n_processes, n_shares, n_instances, n_errors;
    double power[MANY][2], tick, average, scale, frozen, reset, rest;
    unsigned long long counts[MANY];
    unsigned processes[MANY], shares[MANY][2];
    char instances[BOARDS][TEXT];
    Error errors[ERRORS];
} Board;
typedef struct {
    char driver[TEXT];
    unsigned long generation;
    int n_boards, n_errors;
    Error errors[ERRORS];
    Board boards[BOARDS];
} State;

static char path[4096];
static int initialised;
static unsigned long scripts;
static int looks[BOARDS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void fake_nvml_state(const char *name) { snprintf(path, sizeof path, "%s", name ? name : ""); }

static const char *state_path(void) {
    const char *name = *path ? path : getenv("FAKE_NVML");
    return name ? name : "";
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec * 1e-9;
}

static void read_board_line(Board *board, const char *key, const char *rest) {
    if (!strcmp(key, "name")) snprintf(board->name, TEXT, "%s", rest);
    else if (!strcmp(key, "pci")) board->pci = strtoul(rest, 0, 0);
    else if (!strcmp(key, "device")) board->device = strtoul(rest, 0, 0);
    else if (!strcmp(key, "architecture")) board->architecture = strtoul(rest, 0, 0);
    else if (!strcmp(key, "temperature")) board->temperature = strtoul(rest, 0, 0);
    else if (!strcmp(key, "memory")) board->memory = strtoull(rest, 0, 0);
    else if (!strcmp(key, "tick")) board->tick = atof(rest);
    else if (!strcmp(key, "average")) board->average = atof(rest);
    else if (!strcmp(key, "scale")) board->scale = atof(rest);
    else if (!strcmp(key, "rest")) board->rest = atof(rest);
    else if (!strcmp(key, "c2c")) board->c2c = atoi(rest);
    else if (!strcmp(key, "frozen")) board->frozen = atof(rest);
    else if (!strcmp(key, "reset")) board->reset = atof(rest);
    else if (!strcmp(key, "instant")) board->instant = atoi(rest);
    else if (!strcmp(key, "mig")) board->mig = atoi(rest);
    else if (!strcmp(key, "process") && board->n_processes < MANY)
        board->processes[board->n_processes++] = strtoul(rest, 0, 0);
    else if (!strcmp(key, "instance") && board->n_instances < BOARDS)
        snprintf(board->instances[board->n_instances++], TEXT, "%s", rest);
    else if (!strcmp(key, "limits"))
        sscanf(rest, "%u %u %u %u", board->limits, board->limits + 1, board->limits + 2,
               board->limits + 3);
    else if (!strcmp(key, "share") && board->n_shares < MANY) {
        unsigned *share = board->shares[board->n_shares++];
        sscanf(rest, "%u %u", share, share + 1);
    } else if (!strcmp(key, "power") && board->n_power < MANY) {
        double *step = board->power[board->n_power++];
        sscanf(rest, "%lf %lf", step, step + 1);
    } else if (!strcmp(key, "counts")) {
        char *end = (char *)rest;
        while (*end && board->n_counts < MANY) {
            board->counts[board->n_counts++] = strtoull(end, &end, 10);
            while (*end == ' ') end++;
        }
    }
}

/* Reads the whole state; 0 where there is none. Called with the mutex held. */
static int read_state(State *state) {
    char line[4096], key[TEXT], rest[4096];
    FILE *file = fopen(state_path(), "r");
    if (!file) return 0;
    memset(state, 0, sizeof *state);
    while (fgets(line, sizeof line, file)) {
        Board *board = state->n_boards ? &state->boards[state->n_boards - 1] : 0;
        int *n_errors = board ? &board->n_errors : &state->n_errors;
        *rest = 0;
        if (sscanf(line, "%95s %4095[^\n]", key, rest) < 1) continue;
        if (!strcmp(key, "driver")) snprintf(state->driver, TEXT, "%s", rest);
        else if (!strcmp(key, "generation")) state->generation = strtoul(rest, 0, 0);
        else if (!strcmp(key, "board") && state->n_boards < BOARDS) {
            board = &state->boards[state->n_boards++];
            snprintf(board->uuid, TEXT, "%s", rest);
            board->scale = 1;
            board->c2c = -1;
            board->frozen = INFINITY;
        } else if (!strcmp(key, "error") && *n_errors < ERRORS) {
            Error *error = (board ? board->errors : state->errors) + (*n_errors)++;
            sscanf(rest, "%95s %d", error->function, &error->code);
        } else if (!strcmp(key, "set")) {
            unsigned index, limit;
            if (sscanf(rest, "%u %u", &index, &limit) == 2 && index < BOARDS)
                state->boards[index].limits[0] = limit;
        } else if (board) read_board_line(board, key, rest);
    }
    fclose(file);
    return 1;
}

static int code_of(const Error *errors, int count, const char *function) {
    for (int i = 0; i < count; i++)
        if (!strcmp(errors[i].function, function)) return errors[i].code;
    return SUCCESS;
}

/* The state for one call of `function`, and the board it is about (null: none). */
static int enter(const char *function, Device handle, State *state, Board **board) {
    uintptr_t id = (uintptr_t)handle;
    pthread_mutex_lock(&mutex);
    int found = read_state(state);
    pthread_mutex_unlock(&mutex);
    if (!found) return LIBRARY_NOT_FOUND;
    int code = code_of(state->errors, state->n_errors, function);
    if (code) return code;
    if (!initialised) return UNINITIALIZED;
    if (!board) return SUCCESS;
    if (id < 1 || id > (uintptr_t)state->n_boards) return INVALID_ARGUMENT;
    *board = &state->boards[id - 1];
    return code_of((*board)->errors, (*board)->n_errors, function);
}

#define ENTER(handle)                                              \
    State state;                                                   \
    Board *board = 0;                                              \
    int entered = enter(__func__, handle, &state, &board);         \
    if (entered) return entered;
#define ENTER_SYSTEM                                               \
    State state;                                                   \
    int entered = enter(__func__, 0, &state, 0);                   \
    if (entered) return entered;

/* Joules that the board drew from `from` to `until`. */
static double drawn(const Board *board, double from, double until) {
    double joules = 0;
    for (int i = 0; i < board->n_power; i++) {
        double start = fmax(board->power[i][0], from);
        double end = i + 1 < board->n_power ? fmin(board->power[i + 1][0], until) : until;
        if (end > start) joules += board->power[i][1] * (end - start);
    }
    return joules;
}

static double watts_at(const Board *board, double at) {
    double watts = 0;
    for (int i = 0; i < board->n_power; i++)
        if (board->power[i][0] <= at) watts = board->power[i][1];
    return watts;
}

static double last_tick(const Board *board, double at) {
    return board->tick > 0 ? floor(at / board->tick) * board->tick : at;
}

int nvmlInitWithFlags(unsigned flags) {
    State state;
    (void)flags;
    int code = enter(__func__, 0, &state, 0);
    if (code && code != UNINITIALIZED) return code;
    initialised = 1;
    return SUCCESS;
}

int nvmlInit(void) { return nvmlInitWithFlags(0); }
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { initialised = 0; return SUCCESS; }
const char *nvmlErrorString(int code) { (void)code; return "an error that the test asked for"; }

int nvmlSystemGetDriverVersion(char *text, unsigned size) {
    ENTER_SYSTEM
    snprintf(text, size, "%s", state.driver);
    return SUCCESS;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    ENTER_SYSTEM
    *count = state.n_boards;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device *handle) {
    Device asked = (Device)(uintptr_t)(index + 1);
    ENTER(asked)
    *handle = asked;
    return SUCCESS;
}

/* Boards are 1, 2, ...; a MIG instance of board N is 1000 N + its place. */
int nvmlDeviceGetHandleByUUID(const char *uuid, Device *handle) {
    ENTER_SYSTEM
    for (int i = 0; i < state.n_boards; i++) {
        Board *board = &state.boards[i];
        if (!strcmp(board->uuid, uuid)) return *handle = (Device)(uintptr_t)(i + 1), SUCCESS;
        for (int j = 0; j < board->n_instances; j++)
            if (!strcmp(board->instances[j], uuid))
                return *handle = (Device)(uintptr_t)(1000 * (i + 1) + j), SUCCESS;
    }
    return NOT_FOUND;
}

int nvmlDeviceGetUUID(Device handle, char *text, unsigned size) {
    ENTER(handle)
    snprintf(text, size, "%s", board->uuid);
    return SUCCESS;
}

int nvmlDeviceGetName(Device handle, char *text, unsigned size) {
    ENTER(handle)
    snprintf(text, size, "%s", board->name);
    return SUCCESS;
}

int nvmlDeviceGetIndex(Device handle, unsigned *index) {
    ENTER(handle)
    *index = (unsigned)(board - state.boards);
    return SUCCESS;
}

typedef struct {
    char legacy[16];
    unsigned domain, bus, device, ids, subsystem;
    char place[32];
} Pci;

int nvmlDeviceGetPciInfo_v3(Device handle, Pci *pci) {
    ENTER(handle)
    memset(pci, 0, sizeof *pci);
    pci->bus = board->pci;
    pci->ids = board->device << 16 | 0x10DE;
    snprintf(pci->place, sizeof pci->place, "00000000:%02X:00.0", board->pci);
    return SUCCESS;
}

int nvmlDeviceGetArchitecture(Device handle, unsigned *architecture) {
    ENTER(handle)
    *architecture = board->architecture;
    return SUCCESS;
}

int nvmlDeviceGetC2cModeInfoV(Device handle, unsigned *linked) {
    ENTER(handle)
    if (board->c2c < 0) return NOT_SUPPORTED;
    *linked = (unsigned)board->c2c;
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(Device handle, unsigned long long *total_free_used) {
    ENTER(handle)
    total_free_used[0] = total_free_used[1] = board->memory;
    total_free_used[2] = 0;
    return SUCCESS;
}

int nvmlDeviceGetTemperature(Device handle, unsigned sensor, unsigned *celsius) {
    ENTER(handle)
    (void)sensor;
    *celsius = board->temperature;
    return SUCCESS;
}

/* The next scripted count; a state that was written anew begins its scripts again. */
static unsigned long long scripted(const State *state, int index) {
    const Board *board = &state->boards[index];
    pthread_mutex_lock(&mutex);
    if (scripts != state->generation) memset(looks, 0, sizeof looks);
    scripts = state->generation;
    int look = looks[index]++;
    pthread_mutex_unlock(&mutex);
    return board->counts[look < board->n_counts ? look : board->n_counts - 1];
}

#ifndef NO_ENERGY
int nvmlDeviceGetTotalEnergyConsumption(Device handle, unsigned long long *millijoules) {
    ENTER(handle)
    if (board->n_counts) {
        *millijoules = scripted(&state, (int)(board - state.boards));
        return SUCCESS;
    }
    double at = last_tick(board, fmin(now(), board->frozen));
    double joules = drawn(board, board->reset, at) + board->rest * (at - board->reset);
    *millijoules = (unsigned long long)floor(1000 * board->scale * joules);
    return SUCCESS;
}
#endif

int nvmlDeviceGetPowerUsage(Device handle, unsigned *milliwatts) {
    ENTER(handle)
    double at = last_tick(board, now()), over = board->average;
    double watts = over > 0 ? drawn(board, at - over, at) / over : watts_at(board, at);
    *milliwatts = (unsigned)(1000 * watts);
    return SUCCESS;
}

#ifndef NO_FIELDS
typedef struct {
    unsigned id, scope;
    long long timestamp, latency;
    unsigned type;
    int code;
    union { double real; unsigned whole; unsigned long long large; } value;
} Field;

int nvmlDeviceGetFieldValues(Device handle, int count, Field *fields) {
    ENTER(handle)
    for (int i = 0; i < count; i++) {
        fields[i].code = NOT_SUPPORTED;
        if (fields[i].id != POWER_INSTANT || fields[i].scope > MODULE) continue;
        if (fields[i].scope == MODULE ? board->rest <= 0 : !board->instant) continue;
        double rest = fields[i].scope == MODULE ? board->rest : 0;
        fields[i].code = SUCCESS;
        fields[i].type = TYPE_UNSIGNED_INT;
        fields[i].value.large = 0;
        fields[i].value.whole = (unsigned)(1000 * (rest + watts_at(board, last_tick(board, now()))));
    }
    return SUCCESS;
}
#endif

int nvmlDeviceGetPowerManagementLimit(Device handle, unsigned *milliwatts) {
    ENTER(handle)
    *milliwatts = board->limits[0];
    return SUCCESS;
}

int nvmlDeviceGetEnforcedPowerLimit(Device handle, unsigned *milliwatts) {
    ENTER(handle)
    *milliwatts = board->limits[0];
    return SUCCESS;
}

int nvmlDeviceGetPowerManagementDefaultLimit(Device handle, unsigned *milliwatts) {
    ENTER(handle)
    *milliwatts = board->limits[1];
    return SUCCESS;
}

int nvmlDeviceGetPowerManagementLimitConstraints(Device handle, unsigned *low, unsigned *high) {
    ENTER(handle)
    *low = board->limits[2];
    *high = board->limits[3];
    return SUCCESS;
}

int nvmlDeviceSetPowerManagementLimit(Device handle, unsigned milliwatts) {
    ENTER(handle)
    if (milliwatts < board->limits[2] || milliwatts > board->limits[3]) return INVALID_ARGUMENT;
    FILE *file = fopen(state_path(), "a");
    if (!file) return LIBRARY_NOT_FOUND;
    fprintf(file, "set %d %u\n", (int)(board - state.boards), milliwatts);
    fclose(file);
    return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(Device handle, unsigned *gpu_and_memory) {
    ENTER(handle)
    gpu_and_memory[0] = gpu_and_memory[1] = 0;
    for (int i = 0; i < board->n_shares; i++) gpu_and_memory[0] += board->shares[i][1];
    return SUCCESS;
}

typedef struct { unsigned pid; unsigned long long bytes; unsigned gpu, compute; } Process;

static int list_processes(const Board *board, unsigned *count, Process *found) {
    unsigned room = found ? *count : 0;
    *count = board->n_processes;
    if (room < *count) return *count ? INSUFFICIENT_SIZE : SUCCESS;
    for (unsigned i = 0; i < *count; i++)
        found[i] = (Process){board->processes[i], 1 << 20, ~0u, ~0u};
    return SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses_v2(Device handle, unsigned *count, Process *found) {
    ENTER(handle)
    return list_processes(board, count, found);
}

#ifndef NO_PROCESSES_V3
int nvmlDeviceGetComputeRunningProcesses_v3(Device handle, unsigned *count, Process *found) {
    ENTER(handle)
    return list_processes(board, count, found);
}
#endif

#ifndef NO_SHARES
typedef struct {
    unsigned pid;
    unsigned long long microseconds;
    unsigned sm, memory, encoder, decoder;
} Share;

int nvmlDeviceGetProcessUtilization(Device handle, Share *found, unsigned *count,
                                    unsigned long long since) {
    ENTER(handle)
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    unsigned long long stamp = at.tv_sec * 1000000ull + at.tv_nsec / 1000;
    unsigned room = found ? *count : 0;
    if (!board->n_shares || stamp <= since) return NOT_FOUND;
    *count = board->n_shares;
    if (room < *count) return INSUFFICIENT_SIZE;
    for (unsigned i = 0; i < *count; i++)
        found[i] = (Share){board->shares[i][0], stamp, board->shares[i][1], 0, 0, 0};
    return SUCCESS;
}
#endif

#ifndef NO_MIG
int nvmlDeviceGetMigMode(Device handle, unsigned *current, unsigned *pending) {
    ENTER(handle)
    if (board->architecture < 7) return NOT_SUPPORTED;
    *current = *pending = board->mig;
    return SUCCESS;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Device instance, Device *handle) {
    Device parent = (Device)((uintptr_t)instance / 1000);
    ENTER(parent)
    *handle = parent;
    return SUCCESS;
}
#endif
