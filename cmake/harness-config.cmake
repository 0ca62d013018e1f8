# find_package(harness): the package that is installed with the harness. It finds itself by its own
# place, so the whole prefix can be moved.
#
#   harness::headers                    a target: the folder of harness.h and harness_cmocka.h
#   HARNESS_CC                          harness-cc
#   harness_bind(TARGET... [LEVEL level])
#       Compiles and links these targets by harness-cc: executables, and the static or object
#       libraries they are made of. The level is sync, atomics or memory (the default).
#   harness_add_test(NAME name SOURCES file... [LINK library...] [LEVEL level] [RUNS count])
#       An executable of that name that is bound, and a test that runs it. RUNS wins over what the
#       sources say.

cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH HARNESS_PREFIX)
cmake_path(GET HARNESS_PREFIX PARENT_PATH HARNESS_PREFIX)
cmake_path(GET HARNESS_PREFIX PARENT_PATH HARNESS_PREFIX)
set(HARNESS_CC ${HARNESS_PREFIX}/bin/harness-cc)

if(NOT TARGET harness::headers)
  add_library(harness::headers INTERFACE IMPORTED)
  set_target_properties(harness::headers PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES ${HARNESS_PREFIX}/include)
endif()

# The compiler stays the one that the project was configured with; harness-cc stands before it.
function(harness_bind)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "LEVEL" "")
  if(NOT arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "harness_bind() needs the name of a target")
  endif()
  foreach(target IN LISTS arg_UNPARSED_ARGUMENTS)
    if(NOT TARGET ${target})
      message(FATAL_ERROR "harness_bind(${target}): there is no such target")
    endif()
    get_target_property(type ${target} TYPE)
    if(type MATCHES "^(SHARED|MODULE)_LIBRARY$")
      message(FATAL_ERROR "harness_bind(${target}): a shared library cannot be bound to the "
        "simulated world; make it STATIC or OBJECT")
    endif()
    set_target_properties(${target} PROPERTIES
      C_COMPILER_LAUNCHER "${HARNESS_CC};--launch"
      C_LINKER_LAUNCHER "${HARNESS_CC};--launch")
    target_link_libraries(${target} PRIVATE harness::headers)
    if(arg_LEVEL)
      target_compile_options(${target} PRIVATE -fharness=${arg_LEVEL})
      if(type STREQUAL EXECUTABLE)
        target_link_options(${target} PRIVATE -fharness=${arg_LEVEL})
      endif()
    endif()
  endforeach()
endfunction()

function(harness_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;LEVEL;RUNS" "SOURCES;LINK")
  if(NOT arg_NAME OR NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "harness_add_test(): NAME and SOURCES are needed; "
      "unknown: '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  set(level)
  if(arg_LEVEL)
    set(level LEVEL ${arg_LEVEL})
  endif()
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_link_libraries(${arg_NAME} PRIVATE ${arg_LINK})
  harness_bind(${arg_NAME} ${level})
  add_test(NAME ${arg_NAME} COMMAND ${arg_NAME})
  if(arg_RUNS)
    set_tests_properties(${arg_NAME} PROPERTIES ENVIRONMENT HARNESS_RUNS=${arg_RUNS})
  endif()
endfunction()
