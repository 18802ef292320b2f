/* Runs a command behind the wall of lockdown.c, for compilers and checkers that are given untrusted text:
 *     enter READABLE WRITABLE NEEDS WITHOUT MEMORY SECONDS COMMAND...
 * and `enter probe`, which prints the layers that stand here. It dies with the one who started it. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lockdown.h"

enum { FILE_LIMIT = 64 << 20 };

static void limit(int what, rlim_t most) { setrlimit(what, &(struct rlimit){most, most}); }

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
  if (argc < 8) return 125;
  const int needs = atoi(argv[3]), without = atoi(argv[4]);
  limit(RLIMIT_CORE, 0), limit(RLIMIT_FSIZE, FILE_LIMIT);
  limit(RLIMIT_DATA, (rlim_t)atoll(argv[5])), limit(RLIMIT_CPU, (rlim_t)atoll(argv[6]));
  /* whatever the command starts ends with it: the first process of a PID namespace takes all others along */
  if (!(without & HPCBENCH_NAMESPACES) && hpcbench_namespaces() && !unshare(CLONE_NEWPID)) {
    const pid_t child = fork();
    if (child) {
      int status = 125 << 8;
      while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
  }
  const int wanted = (HPCBENCH_LANDLOCK | HPCBENCH_SECCOMP) & ~without;
  if (wanted & ~hpcbench_lockdown(argv[1], argv[2], needs, without)) {
    fputs("the wall does not stand\n", stderr);
    return 125;
  }
  execvp(argv[7], argv + 7);
  perror(argv[7]);
  return 125;
}
