/* Runs a command behind the wall of lockdown.c, for compilers and checkers that are given untrusted text:
 *     enter READABLE WRITABLE NEEDS WITHOUT MEMORY SECONDS COMMAND...
 * `enter launch WITHOUT BYTES COMMAND...` starts the launcher of untrusted MPI ranks, which build walls of their own,
 * in namespaces that they share; `enter probe` prints the layers that stand here. Whatever it starts ends with
 * it, and it ends with the one who started it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lockdown.h"

enum { FILE_LIMIT = 64 << 20, STACK_LIMIT = 64 << 20 };

static void limit(int what, rlim_t most) { setrlimit(what, &(struct rlimit){most, most}); }

/* Ends every process that is below this one, which takes in orphans. */
static void end_all(void) {
  for (char list[4096];;) {
    const int fd = open("/proc/thread-self/children", O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, list, sizeof list - 1);
    if (fd >= 0) close(fd);
    while (n > 0 && list[n - 1] != ' ') n--; /* a number that was cut off */
    if (n <= 0) return;
    list[n] = 0;
    for (char *next = list; *next; next++) {
      const pid_t child = (pid_t)strtol(next, &next, 10);
      if (child > 0) kill(child, SIGKILL), waitpid(child, NULL, 0);
    }
  }
}

static int put(const char *path, const char *format, unsigned id) {
  char text[64];
  const int n = snprintf(text, sizeof text, format, id, id), fd = open(path, O_WRONLY);
  const int done = fd >= 0 && write(fd, text, (size_t)n) == n;
  if (fd >= 0) close(fd);
  return done;
}

/* Namespaces for ranks: with a loopback, for their launcher, and shared memory of `bytes` that nobody else sees. */
static int enter_namespaces(const char *bytes) {
  const unsigned user = geteuid(), group = getegid();
  char limits[80];
  snprintf(limits, sizeof limits, "mode=1777,nr_inodes=4096,size=%s", bytes);
  if (!hpcbench_namespaces() || unshare(CLONE_NEWNS)) return 0;
  const int any = socket(AF_INET, SOCK_DGRAM, 0);
  struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  const int up = !ioctl(any, SIOCSIFFLAGS, &loopback);
  close(any);
  return up && put("/proc/self/setgroups", "deny", 0) && put("/proc/self/uid_map", "%u %u 1", user) &&
         put("/proc/self/gid_map", "%u %u 1", group) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
         !mount("ranks", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, limits);
}

/* A system may grant them and then none of what they are for: whether it does is tried first. */
static int grants_namespaces(const char *bytes) {
  int status = 1;
  const pid_t trial = fork();
  if (!trial) _exit(!enter_namespaces(bytes));
  return trial > 0 && waitpid(trial, &status, 0) == trial && !status;
}

/* Forks, and returns in the child. The parent waits for it, and ends it and what it has left behind, when it ends,
 * when the parent's own parent ends, or at SIGTERM.
 * A launcher may be stopped from outside, and compilers' and launchers' helpers have parents, groups and sessions of
 * their own: none of them ends with ours by itself. */
static int supervised(pid_t parent) {
  sigset_t awaited, before;
  sigemptyset(&awaited), sigaddset(&awaited, SIGTERM), sigaddset(&awaited, SIGCHLD);
  signal(SIGCHLD, SIG_DFL);
  sigprocmask(SIG_BLOCK, &awaited, &before);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(125);
  const pid_t child = fork();
  if (!child) {
    sigprocmask(SIG_SETMASK, &before, NULL);
    return 0;
  }
  int status = 125 << 8, got = 0;
  while (child > 0 && waitpid(child, &status, WNOHANG) != child && sigwait(&awaited, &got) == 0 && got != SIGTERM) continue;
  end_all();
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static int run(char **command) {
  execvp(command[0], command);
  perror(command[0]);
  return 125;
}

static int launch(pid_t parent, int without, const char *bytes, char **command) {
  if (!(without & HPCBENCH_NAMESPACES) && grants_namespaces(bytes) && enter_namespaces(bytes)) setenv("HPCBENCH_RANKS_APART", "1", 1);
  supervised(parent);
  return run(command);
}

int main(int argc, char **argv) {
  const pid_t parent = getppid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) return 125;
  if (argc == 2 && !strcmp(argv[1], "probe")) {
    int layers = hpcbench_namespaces();
    layers |= hpcbench_lockdown("/", "", HPCBENCH_COMPUTES, 0);
    printf("%d\n", layers);
    return 0;
  }
  if (argc > 4 && !strcmp(argv[1], "launch")) return launch(parent, atoi(argv[2]), argv[3], argv + 4);
  if (argc < 8) return 125;
  const int needs = atoi(argv[3]), without = atoi(argv[4]);
  limit(RLIMIT_CORE, 0), limit(RLIMIT_FSIZE, FILE_LIMIT), limit(RLIMIT_STACK, STACK_LIMIT);
  limit(RLIMIT_DATA, (rlim_t)atoll(argv[5])), limit(RLIMIT_CPU, (rlim_t)atoll(argv[6]));
  /* the first process of a PID namespace takes all others along; without one, the reaper of orphans has to find them */
  if (!(without & HPCBENCH_NAMESPACES) && hpcbench_namespaces()) unshare(CLONE_NEWPID);
  supervised(parent);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int wanted = (HPCBENCH_LANDLOCK | HPCBENCH_SECCOMP) & ~without;
  if (wanted & ~hpcbench_lockdown(argv[1], argv[2], needs, without)) {
    fputs("the wall does not stand\n", stderr);
    return 125;
  }
  return run(argv + 7);
}
