#define _GNU_SOURCE
#include "CProcess.h"
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

int pc_open_instruction_counter(void) {
  struct perf_event_attr attributes = {
      .type = PERF_TYPE_HARDWARE,
      .size = sizeof(attributes),
      .config = PERF_COUNT_HW_INSTRUCTIONS,
      .inherit = 1,
      .exclude_kernel = 1,
      .exclude_hv = 1,
  };
  return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

int pc_read_instructions(int counter, uint64_t *instructions) {
  return read(counter, instructions, sizeof *instructions) == sizeof *instructions ? 0 : -1;
}
