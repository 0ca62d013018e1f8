# find_package(session_core): the target session_core, a static library with its headers.

include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/session_core-targets.cmake)
