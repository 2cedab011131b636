# One folder = one target.  Its headers are its public face: whoever links the
# target may include them by bare name, nobody else can (STYLE: arrows one way).

# certbus_flags(TARGET): the warnings and sanitizers every target is built with.
function(certbus_flags target)
  target_compile_features(${target} PRIVATE c_std_11)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wvla -Wformat=2 -Wcast-qual -Wwrite-strings
    -Werror -fno-common -fstack-protector-strong)
  if(CERTBUS_SANITIZE)
    target_compile_options(${target} PRIVATE
      -fsanitize=${CERTBUS_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${CERTBUS_SANITIZE})
  endif()
endfunction()

# certbus_library(NAME sources... LINKS targets...)
function(certbus_library name)
  cmake_parse_arguments(arg "" "" "LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_LINKS})
  certbus_flags(${name})
endfunction()

# certbus_program(NAME sources... LINKS targets...)
function(certbus_program name)
  cmake_parse_arguments(arg "" "" "LINKS" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${arg_LINKS})
  certbus_flags(${name})
endfunction()

# certbus_test(NAME sources... LINKS targets...): one cmocka program, one ctest.
function(certbus_test name)
  cmake_parse_arguments(arg "" "" "LINKS" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${arg_LINKS} PkgConfig::cmocka)
  target_compile_definitions(${name} PRIVATE
    TESTS_DIR="${PROJECT_SOURCE_DIR}/tests"
    SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  certbus_flags(${name})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()

# certbus_folders(names...): add each folder that has a CMakeLists.txt.
function(certbus_folders)
  foreach(folder ${ARGN})
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
      add_subdirectory(${folder})
    endif()
  endforeach()
endfunction()
