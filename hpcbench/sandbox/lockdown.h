/* What lockdown.c builds; the bits say which layers stand. hpcbench/sandbox/__init__.py names them. */
#ifndef HPCBENCH_LOCKDOWN_H
#define HPCBENCH_LOCKDOWN_H

enum {
  HPCBENCH_LANDLOCK = 1,       /* files */
  HPCBENCH_LANDLOCK_NET = 2,   /* TCP */
  HPCBENCH_LANDLOCK_SCOPE = 4, /* signals and abstract sockets */
  HPCBENCH_SECCOMP = 8,
  HPCBENCH_NO_PRIVILEGES = 16,
  HPCBENCH_NAMESPACES = 32, /* user, network, IPC */
};
enum { HPCBENCH_COMPUTES = 0, HPCBENCH_WRITES = 1, HPCBENCH_SPAWNS = 2, HPCBENCH_TALKS = 4 };

/* New namespaces for a process that has one thread; the bit, or 0 when the kernel does not grant them. */
int hpcbench_namespaces(void);

/* Gives up all that a candidate does not need, for this process and what it starts, for good.
 * `readable`, `writable`: colon-separated paths. `needs`: of HPCBENCH_WRITES (files in `writable`), _SPAWNS
 * (processes) and _TALKS (sockets of its MPI). `without`: layers to leave out, for tests. Returns the bits of
 * the layers that stand. */
int hpcbench_lockdown(const char *readable, const char *writable, int needs, int without);

#endif
