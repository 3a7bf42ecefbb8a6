#ifndef CPROCESS_H
#define CPROCESS_H
#include <stdint.h>

// What Swift cannot ask of a process: its heap allocations and instructions, and GNU calls.

// allocations.c ----------------------------------------------------------------------------------

typedef struct {
  uint64_t calls;
  /// As asked for, not as rounded up.
  uint64_t bytes;
  /// Those that oneDNN, OpenBLAS or their OpenMP asked for, which depend on the processor; not among
  /// `calls`.
  uint64_t library_calls, library_bytes;
} pc_allocations;

/// 1 where allocations can be counted: on glibc, without a sanitizer that has an allocator itself.
int pc_counts_allocations(void);
/// Counts the allocations of all threads from 0 on.
void pc_start_counting_allocations(void);
/// What was counted since; counting is over.
pc_allocations pc_stop_counting_allocations(void);
/// One allocation of `bytes`, freed at once, that no optimizer takes away.
void pc_allocate(uint64_t bytes);

// instructions.c ---------------------------------------------------------------------------------

/// Opens a counter of the instructions that this thread, and threads that it starts from now on,
/// retire in user mode; a file descriptor, or -1 where the kernel or the machine does not permit it.
int pc_open_instruction_counter(void);
/// Counted since it was opened; 0, or -1.
int pc_read_instructions(int counter, uint64_t *instructions);

// gnu.c ------------------------------------------------------------------------------------------

/// A new file for reading and writing past the page cache (O_DIRECT); a descriptor, or -1 with errno,
/// EINVAL where the file system has no such thing.
int pc_open_direct(const char *path);
/// pipe2 with O_CLOEXEC: read end and write end; 0, or -1 with errno.
int pc_pipe(int ends[2]);
/// Gives freed memory back to the system, as far as the C library can.
void pc_trim_heap(void);

/// Logical CPUs in the calling thread's affinity mask; 0 where that cannot be read.
int pc_affinity_count(void);
/// Of glibc; empty for another C library.
const char *pc_libc_version(void);

#endif
