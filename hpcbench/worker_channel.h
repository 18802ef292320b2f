/* What a native worker hears from its parent and tells it, over the socket that the parent owns; hpcbench/wire.py
 * documents the protocol. Included by worker.c. */
#ifndef HPCBENCH_WORKER_CHANNEL_H
#define HPCBENCH_WORKER_CHANNEL_H

#include <dlfcn.h>
#include <stdarg.h>
#include <sys/un.h>

static int parent = -1, received[2] = {-1, -1};

static int reach(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  parent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return connect(parent, (struct sockaddr *)&address, sizeof address);
}

static void answer(const char *format, ...) {
  char line[1024];
  va_list values;
  va_start(values, format);
  const int n = vsnprintf(line, sizeof line - 1, format, values);
  va_end(values);
  const size_t length = n < (int)sizeof line - 2 ? (size_t)n : sizeof line - 2;
  line[length] = '\n';
  if (send(parent, line, length + 1, MSG_NOSIGNAL) < 0) _exit(0);
}

/* Tell why loading failed, as JSON; the process has no further use. */
static _Noreturn void refuse(const char *why) {
  char text[900];
  size_t n = 0;
  for (; *why && n < sizeof text - 1; why++)
    text[n++] = *why == '"' || *why == '\\' ? '\'' : (unsigned char)*why < ' ' ? ' ' : *why;
  text[n] = 0;
  answer("{\"error\": \"%s\"}", text);
  while (recv(parent, text, sizeof text, 0) > 0) continue; /* a rank that left would take the others along */
  _exit(1);
}

/* Tell why an object cannot be loaded: for what it asks in vain, or in the loader's own words. */
static _Noreturn void refuse_object(void) {
  char text[300];
  const char *why = dlerror(), *mark = "undefined symbol: ", *name = strstr(why, mark);
  if (name) snprintf(text, sizeof text, "it asks for %s, which no library has that it loads", name + strlen(mark));
  refuse(name ? text : why);
}

/* Read exactly `size` bytes, keeping file descriptors that come along; 0 when the parent is gone. */
static int receive(void *into, size_t size) {
  for (size_t got = 0; got < size;) {
    char control[CMSG_SPACE(2 * sizeof(int))];
    struct iovec part = {(char *)into + got, size - got};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    const ssize_t n = recvmsg(parent, &message, MSG_CMSG_CLOEXEC);
    if (n <= 0) return 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
      if (c->cmsg_type == SCM_RIGHTS) memcpy(received, CMSG_DATA(c), sizeof received);
    got += (size_t)n;
  }
  return 1;
}

/* Asked for with SIGUSR2 by a parent that has waited too long: where this process stands, function by function. */
static void tell_stack(int signal) {
  void *frames[32];
  (void)signal;
  backtrace_symbols_fd(frames, backtrace(frames, 32), parent);
}

#endif
