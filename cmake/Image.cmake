# Images: cores and programs whose calls to libc are bound to the simulated world.
#
#   add_core_image(NAME [SOURCES file...] [OBJECTS library...] [LIBS archive...] ENTRY symbol
#                  [RENAME old:new...] [ALLOW pattern...] [SYMBOL symbol] [SHARED]
#                  [DESCRIPTORS] [MEMORY])
#   add_rebound_program(NAME SOURCES file... RUNNER file... [LINK library...] [LIBS archive...]
#                       [ALLOW pattern...])
#   add_mutant_image(NAME IMAGE image PATCH file)
#   check_rebound_list(world-library [LIST])
#   host_shared_images(executable world-library)
#
# With DESCRIPTORS it may use what harness_net has; with MEMORY its SOURCES are compiled so that
# every access is seen (docs/RACES_AND_ATOMICS.md). See docs/BUILDING.md. The objects are compiled
# as they would be for production, then combined and renamed by make-image; see
# harness/world/image.h for what an image tells about itself.

set(IMAGE_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR})
set(IMAGE_ROOT ${IMAGE_CMAKE_DIR}/..)
cmake_path(NORMAL_PATH IMAGE_ROOT)
set(IMAGE_REBOUND ${IMAGE_ROOT}harness/world/rebound.txt)
set(IMAGE_REBOUND_MEMORY ${IMAGE_ROOT}harness/world/rebound-memory.txt)
set(IMAGE_HARMLESS ${IMAGE_ROOT}harness/world/harmless.txt)
set(IMAGE_NET_DIR ${IMAGE_ROOT}harness/net)
set(IMAGE_FATAL_DIR ${IMAGE_ROOT}harness/world/fatal)

# The GNU tools, also where clang brings its own:
# lld cannot dissolve section groups in a relocatable link.
find_program(IMAGE_LD ld.bfd REQUIRED)
find_program(IMAGE_OBJCOPY objcopy REQUIRED)
find_program(IMAGE_NM nm REQUIRED)

# Sanitizers check globals by redzones around each, and register them from constructors; both would
# break the copying of all globals at once. Their checks of heap and stack remain.
function(prepare_image_objects target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  if(HARNESS_SANITIZE STREQUAL asan)
    if(CMAKE_C_COMPILER_ID MATCHES Clang)
      target_compile_options(${target} PRIVATE "SHELL:-mllvm -asan-globals=0")
    else()
      target_compile_options(${target} PRIVATE "SHELL:--param asan-globals=0")
    endif()
  endif()
endfunction()

# As harness-cc compiles at level memory: calls for each access, of functions that the world has.
function(show_accesses target)
  if(CMAKE_C_COMPILER_ID MATCHES Clang)
    target_compile_options(${target} PRIVATE
      -fsanitize=thread "SHELL:-mllvm -tsan-instrument-func-entry-exit=0")
  else()
    target_compile_options(${target} PRIVATE
      -fsanitize=thread --param=tsan-instrument-func-entry-exit=0 -Wno-tsan)
    # Copies that gcc would make in place, without telling, are to stay calls.
    foreach(word memcpy memmove memset memcmp strcmp strlen strncmp strchr)
      target_compile_options(${target} PRIVATE -fno-builtin-${word})
    endforeach()
  endif()
endfunction()

# Writes the stubs for what the prebuilt `libs` refer to without using it.
function(write_fatal_stubs name libs descriptors stubs_var arguments_var)
  set(text "/* Generated from the lists in harness/world/fatal/. */\n")
  string(APPEND text "#include \"cmake/fatal_stub.h\"\n\n")
  set(seen)
  set(arguments)
  foreach(lib IN LISTS libs)
    cmake_path(GET lib FILENAME archive)
    set(list ${IMAGE_FATAL_DIR}/${archive}.txt)
    if(EXISTS ${list})
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${list})
      list(APPEND arguments --fatal ${archive}:${list})
      file(STRINGS ${list} symbols REGEX "^[A-Za-z_]")
      list(TRANSFORM symbols REPLACE "[ \t#].*" "")
      list(APPEND seen ${symbols})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES seen)
  if(seen AND descriptors)
    file(STRINGS ${IMAGE_NET_DIR}/rebound.txt bound REGEX "^[A-Za-z_]")
    list(REMOVE_ITEM seen ${bound})
  endif()
  foreach(symbol IN LISTS seen)
    string(APPEND text "FATAL_STUB(${symbol})\n")
  endforeach()
  if(seen)
    set(file ${CMAKE_CURRENT_BINARY_DIR}/${name}_fatal.c)
    file(CONFIGURE OUTPUT ${file} CONTENT "${text}" @ONLY)
  endif()
  set(${stubs_var} ${file} PARENT_SCOPE)
  set(${arguments_var} ${arguments} PARENT_SCOPE)
endfunction()

# Builds NAME, a library that holds the combined object. OBJECTS may contain generator expressions.
function(combine_image name entry symbol renames allow libs shared descriptors memory objects)
  write_fatal_stubs(${name} "${libs}" "${descriptors}" stubs arguments)
  add_library(${name}_glue OBJECT ${IMAGE_CMAKE_DIR}/image_glue.c ${stubs})
  target_include_directories(${name}_glue PRIVATE ${IMAGE_ROOT})
  set(level WORLD_LEVEL_SYNC)
  if(memory)
    set(level WORLD_LEVEL_MEMORY)
  endif()
  target_compile_definitions(${name}_glue PRIVATE IMAGE_LEVEL=${level}
    IMAGE_NAME=${name} IMAGE_SYMBOL=${symbol} IMAGE_ENTRY=${entry})
  prepare_image_objects(${name}_glue)

  set(lists ${IMAGE_REBOUND} ${IMAGE_HARMLESS})
  if(descriptors)
    list(APPEND lists ${IMAGE_NET_DIR}/rebound.txt ${IMAGE_NET_DIR}/harmless.txt)
    list(APPEND arguments --descriptors ${IMAGE_NET_DIR}/rebound.txt
      --harmless ${IMAGE_NET_DIR}/harmless.txt)
  endif()
  if(memory)
    list(APPEND lists ${IMAGE_REBOUND_MEMORY})
    list(APPEND arguments --rebound ${IMAGE_REBOUND_MEMORY})
  endif()
  foreach(pair IN LISTS renames)
    list(APPEND arguments --rename ${pair})
  endforeach()
  if(HARNESS_SANITIZE STREQUAL asan)
    list(APPEND allow __asan_* __ubsan_* __sanitizer_*)
  elseif(HARNESS_SANITIZE STREQUAL tsan)
    list(APPEND allow __tsan_*)
  endif()
  foreach(pattern IN LISTS allow)
    list(APPEND arguments --allow ${pattern})
  endforeach()

  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.image.o)
  set(inputs $<TARGET_OBJECTS:${name}_glue> ${objects} ${libs})
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${CMAKE_COMMAND} -E env CC=${CMAKE_C_COMPILER} LD=${IMAGE_LD}
      OBJCOPY=${IMAGE_OBJCOPY} NM=${IMAGE_NM}
      ${IMAGE_CMAKE_DIR}/make-image --out ${object} --keep ${symbol}
      --rebound ${IMAGE_REBOUND} --harmless ${IMAGE_HARMLESS} ${arguments}
      -- ${inputs}
    DEPENDS ${inputs} ${lists} ${IMAGE_CMAKE_DIR}/make-image
      ${IMAGE_CMAKE_DIR}/check-calls.awk ${IMAGE_CMAKE_DIR}/gather.ld
    COMMENT "Binding ${name} to the simulated world"
    VERBATIM COMMAND_EXPAND_LISTS)
  set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  add_library(${name} ${shared} ${object})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
  if(shared STREQUAL SHARED)
    # World functions are resolved against the executable that loads the image.
    set_target_properties(${name} PROPERTIES
      PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/cores)
  endif()
endfunction()

function(add_core_image name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SHARED;DESCRIPTORS;MEMORY" "ENTRY;SYMBOL"
    "SOURCES;OBJECTS;LIBS;RENAME;ALLOW")
  if(NOT arg_ENTRY OR NOT (arg_SOURCES OR arg_OBJECTS) OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "add_core_image(${name}): wrong arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(objects)
  if(arg_SOURCES)
    add_library(${name}_objects OBJECT ${arg_SOURCES})
    if(arg_MEMORY)
      show_accesses(${name}_objects)
    endif()
    list(APPEND arg_OBJECTS ${name}_objects)
  endif()
  foreach(target IN LISTS arg_OBJECTS)
    prepare_image_objects(${target})
    list(APPEND objects $<TARGET_OBJECTS:${target}>)
  endforeach()
  set(shared STATIC)
  set(symbol image_${name})
  if(arg_SHARED)
    set(shared SHARED)
    set(symbol image_descriptor)
  endif()
  if(arg_SYMBOL)
    set(symbol ${arg_SYMBOL})
  endif()
  combine_image(${name} ${arg_ENTRY} ${symbol} "${arg_RENAME}" "${arg_ALLOW}" "${arg_LIBS}"
    ${shared} ${arg_DESCRIPTORS} ${arg_MEMORY} "${objects}")
  set_target_properties(${name} PROPERTIES IMAGE_DESCRIPTORS ${arg_DESCRIPTORS}
    IMAGE_ENTRY "${arg_ENTRY}" IMAGE_LIBS "${arg_LIBS}" IMAGE_RENAME "${arg_RENAME}"
    IMAGE_ALLOW "${arg_ALLOW}" IMAGE_OBJECTS "${arg_OBJECTS}")
endfunction()

# An executable out of a program with main() and the RUNNER, which finds the image as image_program.
function(add_rebound_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;RUNNER;LINK;LIBS;ALLOW")
  if(NOT arg_SOURCES OR NOT arg_RUNNER OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "add_rebound_program(${name}): wrong arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  add_core_image(${name}_image SOURCES ${arg_SOURCES} LIBS ${arg_LIBS} ALLOW ${arg_ALLOW}
    ENTRY main SYMBOL image_program RENAME main:program_main)
  add_executable(${name} ${arg_RUNNER})
  target_link_libraries(${name} PRIVATE ${name}_image ${arg_LINK})
endfunction()

# The files that the patch changes, relative to the folder it applies to.
function(read_patch patch files_var)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${patch})
  file(STRINGS ${patch} files REGEX "^[+][+][+] b/")
  list(TRANSFORM files REPLACE "^[+][+][+] b/([^\t]*).*" "\\1")
  if(NOT files)
    message(FATAL_ERROR "${patch}: changes no file; write it with 'git diff'")
  endif()
  set(${files_var} ${files} PARENT_SCOPE)
endfunction()

# Whether the file includes one with such a name (no folders), itself or by others.
function(includes_any file names includes_var)
  file(STRINGS ${file} lines REGEX "^ *# *include *\"")
  list(TRANSFORM lines REPLACE "^[^\"]*\"([^\"]*/)?([^\"/]*)\".*" "\\2")
  set(${includes_var} OFF PARENT_SCOPE)
  foreach(line IN LISTS lines)
    if(line IN_LIST names)
      set(${includes_var} ON PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# The names of the headers that the patch names, and of those that include one of them: in
# `base`/include, and beside the sources of the targets.
function(find_changed_headers base files targets names_var)
  set(names ${files})
  list(FILTER names INCLUDE REGEX "[.]h$")
  list(TRANSFORM names REPLACE ".*/" "")
  if(names)
    set(patterns ${base}/include/*.h)
    foreach(target IN LISTS targets)
      get_target_property(folder ${target} SOURCE_DIR)
      get_target_property(sources ${target} SOURCES)
      foreach(source IN LISTS sources)
        cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${folder} NORMALIZE)
        cmake_path(GET source PARENT_PATH beside)
        list(APPEND patterns ${beside}/*.h)
      endforeach()
    endforeach()
    list(REMOVE_DUPLICATES patterns)
    file(GLOB headers ${patterns})
    set(count 0)
    list(LENGTH names found)
    while(found GREATER count)
      set(count ${found})
      foreach(header IN LISTS headers)
        cmake_path(GET header FILENAME name)
        includes_any(${header} "${names}" includes)
        if(includes AND NOT name IN_LIST names)
          list(APPEND names ${name})
        endif()
      endforeach()
      list(LENGTH names found)
    endwhile()
  endif()
  set(${names_var} ${names} PARENT_SCOPE)
endfunction()

# Which sources of `target` have to be compiled again, relative to the target's folder: those the
# patch names, and those that include one of the `headers`.
function(find_changed_sources target base files headers changed_var)
  get_target_property(folder ${target} SOURCE_DIR)
  get_target_property(sources ${target} SOURCES)
  set(changed)
  foreach(source IN LISTS sources)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${folder} NORMALIZE OUTPUT_VARIABLE path)
    set(includes OFF)
    if(headers)
      includes_any(${path} "${headers}" includes)
    endif()
    cmake_path(RELATIVE_PATH path BASE_DIRECTORY ${base})
    if(path IN_LIST files OR includes)
      cmake_path(ABSOLUTE_PATH path BASE_DIRECTORY ${base})
      cmake_path(RELATIVE_PATH path BASE_DIRECTORY ${folder})
      list(APPEND changed ${path})
    endif()
  endforeach()
  set(${changed_var} ${changed} PARENT_SCOPE)
endfunction()

# Compiles the `changed` sources of `target` as they are in `copy`, with everything else alike.
function(compile_changed name target base copy changed)
  get_target_property(folder ${target} SOURCE_DIR)
  cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${base})
  list(TRANSFORM changed PREPEND ${copy}/${folder}/)
  add_library(${name} OBJECT ${changed})
  target_include_directories(${name} BEFORE PRIVATE ${copy} ${copy}/include ${copy}/${folder}
    $<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>)
  target_compile_options(${name} PRIVATE $<TARGET_PROPERTY:${target},COMPILE_OPTIONS>
    -ffile-prefix-map=${copy}/=)
  target_compile_definitions(${name} PRIVATE $<TARGET_PROPERTY:${target},COMPILE_DEFINITIONS>)
endfunction()

# The shared image build/cores/NAME.so: like IMAGE, but with a patch (as git writes it) applied to
# its sources. The patch's paths are relative to BASE, which is the project's root unless given.
function(add_mutant_image name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "IMAGE;PATCH;BASE" "")
  if(NOT arg_BASE)
    set(arg_BASE ${CMAKE_SOURCE_DIR})
  endif()
  cmake_path(ABSOLUTE_PATH arg_PATCH NORMALIZE)
  read_patch(${arg_PATCH} files)
  set(copy ${CMAKE_CURRENT_BINARY_DIR}/${name})
  set(objects)
  set(copied)
  get_target_property(targets ${arg_IMAGE} IMAGE_OBJECTS)
  find_changed_headers(${arg_BASE} "${files}" "${targets}" headers_changed)
  foreach(target IN LISTS targets)
    find_changed_sources(${target} ${arg_BASE} "${files}" "${headers_changed}" changed)
    if(NOT changed)
      list(APPEND objects $<TARGET_OBJECTS:${target}>)
      continue()
    endif()
    get_target_property(folder ${target} SOURCE_DIR)
    list(TRANSFORM changed PREPEND ${folder}/ OUTPUT_VARIABLE originals)
    list(APPEND copied ${originals})
    compile_changed(${name}_${target} ${target} ${arg_BASE} ${copy} "${changed}")
    list(JOIN changed "|" pattern)
    string(REPLACE "." "[.]" pattern "${pattern}")
    list(APPEND objects $<TARGET_OBJECTS:${name}_${target}>
      "$<FILTER:$<TARGET_OBJECTS:${target}>,EXCLUDE,/${target}[.]dir/([.]/)?(${pattern})[.]o$>")
  endforeach()
  if(NOT copied)
    message(FATAL_ERROR "${arg_PATCH}: changes no source of ${arg_IMAGE}")
  endif()

  set(folders include)
  foreach(file IN LISTS files copied)
    cmake_path(IS_PREFIX arg_BASE ${file} inside)
    if(inside)
      cmake_path(RELATIVE_PATH file BASE_DIRECTORY ${arg_BASE})
    endif()
    string(REGEX REPLACE "/.*" "" folder ${file})
    list(APPEND folders ${folder})
  endforeach()
  list(REMOVE_DUPLICATES folders)
  list(TRANSFORM folders PREPEND ${arg_BASE}/ OUTPUT_VARIABLE headers)
  list(TRANSFORM headers APPEND /*.h)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${headers})
  set(copies)
  foreach(file IN LISTS copied)
    cmake_path(RELATIVE_PATH file BASE_DIRECTORY ${arg_BASE})
    list(APPEND copies ${copy}/${file})
  endforeach()
  add_custom_command(
    OUTPUT ${copies}
    COMMAND ${IMAGE_CMAKE_DIR}/patch-copy ${arg_BASE} ${copy} ${arg_PATCH} ${folders}
    DEPENDS ${copied} ${headers} ${arg_PATCH} ${IMAGE_CMAKE_DIR}/patch-copy
    COMMENT "Patching a copy for ${name}"
    VERBATIM)

  get_target_property(entry ${arg_IMAGE} IMAGE_ENTRY)
  get_target_property(libs ${arg_IMAGE} IMAGE_LIBS)
  get_target_property(renames ${arg_IMAGE} IMAGE_RENAME)
  get_target_property(allow ${arg_IMAGE} IMAGE_ALLOW)
  get_target_property(descriptors ${arg_IMAGE} IMAGE_DESCRIPTORS)
  combine_image(${name} ${entry} image_descriptor "${renames}" "${allow}" "${libs}" SHARED
    ${descriptors} FALSE "${objects}")
endfunction()

# Part of every build: rebound.txt, or the list given, must not name what `world` does not
# implement.
function(check_rebound_list world)
  set(list ${ARGN})
  if(NOT list)
    set(list ${IMAGE_REBOUND})
  endif()
  cmake_path(GET list STEM name)
  set(stamp ${CMAKE_CURRENT_BINARY_DIR}/${world}.${name})
  add_custom_command(
    OUTPUT ${stamp}
    COMMAND ${CMAKE_COMMAND} -E env NM=${IMAGE_NM}
      ${IMAGE_CMAKE_DIR}/check-rebound ${list} $<TARGET_FILE:${world}>
    COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
    DEPENDS ${world} ${list} ${IMAGE_CMAKE_DIR}/check-rebound
    COMMENT "Comparing ${name}.txt with ${world}"
    VERBATIM)
  add_custom_target(${world}_${name} ALL DEPENDS ${stamp})
endfunction()

# Makes `executable` offer all of `world` to the shared images that it loads. An option rather than
# a library of the list: CMake may repeat a library, and all of it twice would not link.
function(host_shared_images executable world)
  set_target_properties(${executable} PROPERTIES ENABLE_EXPORTS ON)
  target_link_options(${executable} PRIVATE
    "LINKER:--whole-archive,$<TARGET_FILE:${world}>,--no-whole-archive")
  set_property(TARGET ${executable} APPEND PROPERTY LINK_DEPENDS $<TARGET_FILE:${world}>)
  target_link_libraries(${executable} PRIVATE ${world})
endfunction()
