# Compiler flags for every target: one dialect, strict warnings, debug information everywhere.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# Without -DNDEBUG: assertions stay active in every build.
set(CMAKE_C_FLAGS_RELEASE "-O2")
set(CMAKE_C_FLAGS_DEBUG "-O1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_CXX_FLAGS_DEBUG "-O1")

set(HARNESS_SANITIZE none CACHE STRING "none, asan (address and undefined) or tsan (thread)")
set_property(CACHE HARNESS_SANITIZE PROPERTY STRINGS none asan tsan)

add_compile_options(
  # DWARF 4: valgrind cannot read what clang 14 writes as DWARF 5.
  -g -gdwarf-4 -fno-omit-frame-pointer
  # The same bytes from every clone: __FILE__ and debug information start at the project's root. The
  # build directory may lie inside, so it comes second: the last match counts (clang: the longest).
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
  -ffile-prefix-map=${CMAKE_BINARY_DIR}=.
  -Wall -Wextra -Werror -Wshadow -Wundef -Wpointer-arith -Wwrite-strings -Wcast-qual -Wvla
  -Wformat=2 -Wimplicit-fallthrough -Wmissing-declarations
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
  $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
  $<$<COMPILE_LANGUAGE:C>:-Wold-style-definition>)
if(CMAKE_C_COMPILER_ID MATCHES Clang)
  # The address-significance table means nothing to GNU ld and objcopy, which build the images.
  add_compile_options($<$<COMPILE_LANGUAGE:C>:-fno-addrsig>)
else()
  add_compile_options(-Wlogical-op -Wduplicated-cond)
endif()

if(HARNESS_SANITIZE STREQUAL asan)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
elseif(HARNESS_SANITIZE STREQUAL tsan)
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(NOT HARNESS_SANITIZE STREQUAL none)
  message(FATAL_ERROR "HARNESS_SANITIZE is '${HARNESS_SANITIZE}': write none, asan or tsan")
endif()

# Each test links the sanitizer's runtime: lld does that in a third of the time of GNU ld.
if(NOT HARNESS_SANITIZE STREQUAL none)
  find_program(HARNESS_LLD ld.lld)
  if(HARNESS_LLD)
    add_link_options(-fuse-ld=lld)
  endif()
endif()

# The thread sanitizer knows real threads only: of that build the tests are those that run on real
# pthreads, and the harness is there for live runs.
if(HARNESS_SANITIZE STREQUAL tsan)
  set(HARNESS_SIMULATED OFF)
else()
  set(HARNESS_SIMULATED ON)
endif()
