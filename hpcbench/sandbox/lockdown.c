/* The wall around a candidate, built by the process that will run it, just before it loads it: memory is mapped,
 * MPI is started, the sockets it needs are open; from here on it may compute, start threads and read libraries.
 * Linked into worker.c and `enter`, loaded by worker.py; hpcbench/sandbox/__init__.py says what each layer stops.
 *
 * Sources: Linux Documentation/userspace-api/landlock.rst, seccomp_filter.rst, capabilities(7). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lockdown.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

/* ---- Landlock: the kernel's header of the build machine may be older than the kernel --------------------- */

enum { EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIR = 1 << 3, TRUNCATE = 1 << 14 };
typedef struct {
  uint64_t files, network, scoped;
} ruleset;
typedef struct {
  uint64_t allowed;
  int32_t parent;
} __attribute__((packed)) beneath;

static long landlock_abi(void) { return syscall(SYS_landlock_create_ruleset, NULL, 0, 1); }

/* Every path of the colon-separated list and what lies beneath it; what does not exist is left out. */
static void grant(int set, const char *paths, uint64_t access) {
  char path[4096];
  for (const char *p = paths; p && *p;) {
    const size_t n = strcspn(p, ":");
    if (n && n < sizeof path) {
      memcpy(path, p, n), path[n] = 0;
      const int fd = open(path, O_PATH | O_CLOEXEC);
      if (fd >= 0) {
        beneath b = {access, fd};
        if (syscall(SYS_landlock_add_rule, set, 1, &b, 0) && errno == EINVAL) { /* a file: no rights of folders */
          b.allowed &= EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE;
          syscall(SYS_landlock_add_rule, set, 1, &b, 0);
        }
        close(fd);
      }
    }
    p += n + (p[n] == ':');
  }
}

static int landlock(const char *readable, const char *writable) {
  const long abi = landlock_abi();
  if (abi < 1) return 0;
  uint64_t files = (1 << 13) - 1; /* ABI 1: all but refer, truncate, ioctl on devices */
  if (abi >= 2) files |= 1 << 13;
  if (abi >= 3) files |= TRUNCATE;
  if (abi >= 5) files |= 1 << 15;
  const ruleset r = {files, abi >= 4 ? 3 : 0, abi >= 6 ? 3 : 0}; /* TCP; abstract sockets and signals */
  const size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  const int set = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
  if (set < 0) return 0;
  grant(set, readable, EXECUTE | READ_FILE | READ_DIR);
  grant(set, writable, files & ~(uint64_t)(1 << 15));
  const int done = !syscall(SYS_landlock_restrict_self, set, 0);
  close(set);
  return done ? HPCBENCH_LANDLOCK | (abi >= 4 ? HPCBENCH_LANDLOCK_NET : 0) | (abi >= 6 ? HPCBENCH_LANDLOCK_SCOPE : 0) : 0;
}

/* ---- seccomp: what a computation needs is allowed, the rest fails with EPERM --------------------------------- */

enum { MOST = 400 };
typedef struct {
  struct sock_filter code[MOST];
  unsigned short n;
} rules;

static void emit(rules *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no) {
  if (p->n < MOST) p->code[p->n++] = (struct sock_filter){code, yes, no, k};
}
static void take(rules *p, size_t offset) { emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0); }
static void give(rules *p, uint32_t action) { emit(p, BPF_RET | BPF_K, action, 0, 0); }
static void on(rules *p, long call, uint32_t action) {
  emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1);
  give(p, action);
}
#define REFUSE(e) (SECCOMP_RET_ERRNO | (e))
#define ARGUMENT(i) (offsetof(struct seccomp_data, args) + 8 * (i))

/* `action` for `call` when the low word of argument `i`, under `mask`, equals `value`; the one instruction that
 * follows is met by this call with another argument only. */
static void on_argument(rules *p, long call, int i, uint32_t mask, uint32_t value, uint32_t action) {
  emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 5);
  take(p, ARGUMENT(i));
  emit(p, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
  emit(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
  give(p, action);
}
static void on_if(rules *p, long call, int i, uint32_t mask, uint32_t value, uint32_t otherwise) {
  on_argument(p, call, i, mask, value, SECCOMP_RET_ALLOW);
  give(p, otherwise);
}
static void off_if(rules *p, long call, int i, uint32_t mask, uint32_t value, uint32_t refusal) {
  on_argument(p, call, i, mask, value, refusal);
  take(p, offsetof(struct seccomp_data, nr));
}

/* `refusal` for `call` where argument `i` is not 0: both words of a pointer are looked at. */
static void off_if_any(rules *p, long call, int i, uint32_t refusal) {
  emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 6);
  take(p, ARGUMENT(i));
  emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2);
  take(p, ARGUMENT(i) + 4);
  emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
  give(p, refusal);
  take(p, offsetof(struct seccomp_data, nr));
}

static const int computes[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_close, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_lseek,
    SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_brk, SYS_mincore, SYS_mlock, SYS_munlock, SYS_msync,
    SYS_mbind, SYS_get_mempolicy, SYS_set_mempolicy, SYS_futex, SYS_set_robust_list, SYS_get_robust_list, SYS_rseq,
    SYS_set_tid_address, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_sched_yield,
    SYS_sched_getaffinity, SYS_sched_setaffinity, SYS_getcpu, SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid,
    SYS_getgid, SYS_getegid, SYS_exit, SYS_exit_group, SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep,
    SYS_nanosleep, SYS_gettimeofday, SYS_times, SYS_getrusage, SYS_uname, SYS_sysinfo, SYS_getrandom, SYS_membarrier,
    SYS_restart_syscall, SYS_faccessat, SYS_readlinkat, SYS_getdents64, SYS_getcwd, SYS_fcntl, SYS_dup, SYS_ppoll,
    SYS_pselect6, SYS_eventfd2, SYS_pipe2, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_recvmsg, SYS_recvfrom,
    SYS_sendto, SYS_getitimer, SYS_set_mempolicy_home_node,
#ifdef __x86_64__
    SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_poll, SYS_select, SYS_arch_prctl, SYS_time, SYS_dup2, SYS_pipe,
    SYS_epoll_wait, SYS_getdents,
#endif
};
static const int writes[] = {
    SYS_ftruncate, SYS_fsync, SYS_fdatasync, SYS_unlinkat, SYS_mkdirat, SYS_renameat2, SYS_pwrite64, SYS_flock, SYS_umask,
    SYS_fallocate, SYS_statfs, SYS_fstatfs,
#ifdef __x86_64__
    SYS_unlink, SYS_mkdir, SYS_rmdir, SYS_rename, SYS_open,
#endif
};
static const int spawns[] = {
    SYS_execve, SYS_clone, SYS_wait4, SYS_waitid, SYS_setpgid, SYS_getpgid, SYS_setsid, SYS_dup3, SYS_chdir,
#ifdef __x86_64__
    SYS_fork, SYS_vfork, SYS_getpgrp,
#endif
}; /* no modes of files, which Landlock does not know: a linker that may not make its output executable goes on */
static const int talks[] = { /* over the sockets that its MPI has opened; none is opened any more */
    SYS_getsockname, SYS_getpeername, SYS_setsockopt, SYS_getsockopt, SYS_shutdown, SYS_sendmsg,
};
/* No honest program tries these: the process ends at once, and the verdict says so. */
static const int hostile[] = {
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_bpf, SYS_perf_event_open, SYS_init_module,
    SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_mount, SYS_umount2,
    SYS_pivot_root, SYS_setns, SYS_unshare, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_pidfd_open, SYS_pidfd_getfd,
    SYS_pidfd_send_signal, SYS_userfaultfd, SYS_open_by_handle_at, SYS_clock_settime, SYS_settimeofday, SYS_adjtimex,
};
#define ALL(list, action) \
  for (size_t i = 0; i < sizeof(list) / sizeof *(list); i++) on(p, (list)[i], action)

static int filter(int needs) {
  static rules made;
  rules *p = &made;
  p->n = 0;
  take(p, offsetof(struct seccomp_data, arch));
  emit(p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
  give(p, SECCOMP_RET_KILL_PROCESS);
  take(p, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
  emit(p, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1); /* x32 */
  give(p, SECCOMP_RET_KILL_PROCESS);
#endif
  if (!(needs & HPCBENCH_SPAWNS)) off_if(p, SYS_mmap, 3, MAP_SHARED | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS, REFUSE(ENOMEM)); /* no limit counts it */
  off_if(p, SYS_mmap, 3, MAP_GROWSDOWN, MAP_GROWSDOWN, REFUSE(ENOMEM)); /* a stack: the limit of data does not count it */
  const uint32_t owners[] = {8, 10, 15}; /* F_SETOWN, F_SETSIG, F_SETOWN_EX: a pipe would send signals to anybody */
  for (size_t i = 0; i < 3; i++) off_if(p, SYS_fcntl, 1, UINT32_MAX, owners[i], REFUSE(EPERM));
  ALL(computes, SECCOMP_RET_ALLOW);
  if (needs & HPCBENCH_WRITES) {
    ALL(writes, SECCOMP_RET_ALLOW);
    on(p, SYS_openat, SECCOMP_RET_ALLOW);
  }
  if (needs & HPCBENCH_TALKS) ALL(talks, SECCOMP_RET_ALLOW);
  if (needs & HPCBENCH_SPAWNS) ALL(spawns, SECCOMP_RET_ALLOW);
  ALL(hostile, SECCOMP_RET_KILL_PROCESS);
  on(p, SYS_clone3, REFUSE(ENOSYS)); /* its flags lie in memory; the C library goes on with clone */
  on(p, SYS_ioctl, REFUSE(ENOTTY));
  on_if(p, SYS_clone, 0, CLONE_THREAD, CLONE_THREAD, REFUSE(EPERM));
  on_if(p, SYS_kill, 0, UINT32_MAX, (uint32_t)getpid(), needs & HPCBENCH_SPAWNS ? REFUSE(EPERM) : SECCOMP_RET_KILL_PROCESS);
  on_if(p, SYS_tgkill, 0, UINT32_MAX, (uint32_t)getpid(), needs & HPCBENCH_SPAWNS ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS);
  off_if_any(p, SYS_prlimit64, 2, REFUSE(EPERM)); /* may ask, not set */
  on(p, SYS_prlimit64, SECCOMP_RET_ALLOW);
  on_if(p, SYS_prctl, 0, UINT32_MAX, PR_SET_NAME, REFUSE(EPERM));
  const uint32_t change = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
  on_if(p, SYS_openat, 2, change, 0, REFUSE(EACCES));
#ifdef __x86_64__
  on_if(p, SYS_open, 1, change, 0, REFUSE(EACCES));
#endif
  give(p, REFUSE(EPERM));
  if (p->n >= MOST) return 0;
  const struct sock_fprog loaded = {p->n, p->code};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &loaded) ? 0 : HPCBENCH_SECCOMP;
}

/* ---- privileges and namespaces -------------------------------------------------------------------------- */

static int drop_privileges(void) {
  for (int c = 0; c < 64; c++) prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const struct __user_cap_data_struct none[2] = {{0}, {0}};
  return syscall(SYS_capset, &header, none) ? 0 : HPCBENCH_NO_PRIVILEGES;
}

int hpcbench_namespaces(void) {
  const int have = getenv("HPCBENCH_RANKS_APART") || !unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC);
  return have ? HPCBENCH_NAMESPACES : 0;
}

int hpcbench_lockdown(const char *readable, const char *writable, int needs, int without) {
  int stands = 0;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return 0;
  if (needs & HPCBENCH_TALKS && getenv("HPCBENCH_RANKS_APART")) needs |= HPCBENCH_WRITES, writable = "/dev/shm"; /* theirs alone */
  if (!(without & HPCBENCH_NO_PRIVILEGES)) stands |= drop_privileges();
  if (!(without & HPCBENCH_LANDLOCK)) stands |= landlock(readable, writable);
  if (!(without & HPCBENCH_SECCOMP)) stands |= filter(needs);
  return stands;
}
