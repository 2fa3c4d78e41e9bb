# nodulus_module(<name> SOURCES ... [DEPENDS modules...] [LIBRARIES private libs...] [TORCH])
#   One folder, one static library nodulus_<name>. TORCH: links libtorch and uses the shared precompiled header.
# nodulus_test(<name> SOURCES ... [DEPENDS modules...] [LIBRARIES ...] [TORCH] [LABELS ...])
#   One GoogleTest program test_<name>, one ctest entry a test case; with TORCH one for all of them, as starting libtorch
#   takes longer than most cases.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
  message(FATAL_ERROR "C++ compiler: expected GCC 12 or newer, found ${CMAKE_CXX_COMPILER_VERSION}")
endif()

add_library(nodulus_flags INTERFACE)
target_compile_options(nodulus_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms on string concatenation, GCC bug 105651.
  target_compile_options(nodulus_flags INTERFACE -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds)
endif()
if(NODULUS_WERROR)
  target_compile_options(nodulus_flags INTERFACE -Werror)
endif()
if(NODULUS_SANITIZE)
  target_compile_options(nodulus_flags INTERFACE -fsanitize=${NODULUS_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(nodulus_flags INTERFACE -fsanitize=${NODULUS_SANITIZE})
endif()
target_include_directories(nodulus_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)

# What nearly every file includes, compiled once for the parts without torch: a third of their compile time. The checks
# of scripts/check read each file without it, so that each still includes what it uses.
file(WRITE ${CMAKE_BINARY_DIR}/plain_pch.cpp "")
add_library(nodulus_plain_pch STATIC ${CMAKE_BINARY_DIR}/plain_pch.cpp)
target_link_libraries(nodulus_plain_pch PUBLIC nodulus_flags nodulus_json_fmt)
target_precompile_headers(nodulus_plain_pch PRIVATE
  <fmt/format.h> <nlohmann/json.hpp> <algorithm> <filesystem> <fstream> <functional> <map> <span> <string> <vector>)

function(nodulus_reuse_headers target from)
  if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)  # which REUSE_FROM does not heed by itself
    target_precompile_headers(${target} REUSE_FROM ${from})
  endif()
endfunction()

function(nodulus_use_torch target)
  target_link_libraries(${target} PUBLIC nodulus_torch)
  nodulus_reuse_headers(${target} nodulus_torch_pch)
endfunction()

# Tests are compiled without optimisation, which is a third of their compile time; what they test is not. So they need
# precompiled headers of their own, which hold GoogleTest's too.
function(nodulus_test_headers name)
  file(WRITE ${CMAKE_BINARY_DIR}/${name}.cpp "")
  add_library(${name} STATIC ${CMAKE_BINARY_DIR}/${name}.cpp)
  target_link_libraries(${name} PUBLIC GTest::gmock nodulus_flags ${ARGN})
  target_compile_options(${name} PRIVATE -O0)
endfunction()
if(NODULUS_TESTS)
  nodulus_test_headers(nodulus_test_plain_pch nodulus_json_fmt)
  target_precompile_headers(nodulus_test_plain_pch PRIVATE
    <gmock/gmock.h> <fmt/format.h> <nlohmann/json.hpp> <algorithm> <filesystem> <fstream> <functional> <map> <span>
    <string> <vector>)
  if(NODULUS_TORCH)
    nodulus_test_headers(nodulus_test_torch_pch nodulus_core nodulus_torch)
    target_precompile_headers(nodulus_test_torch_pch PRIVATE <gmock/gmock.h> <torch/types.h> <torch/autograd.h>
      <torch/utils.h> <torch/nn/module.h> <torch/nn/pimpl.h> <fmt/format.h> <nlohmann/json.hpp>)
  endif()
endif()

# Several sources of a folder at a time: half of a file's compile time is what its headers instantiate. So helpers
# without a header need names of their own within a folder. scripts/check reads each file alone.
option(NODULUS_JOIN_SOURCES "compile several sources of a folder as one" ON)
function(nodulus_join_sources target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${NODULUS_JOIN_SOURCES} UNITY_BUILD_BATCH_SIZE 5)
endfunction()

function(nodulus_module name)
  cmake_parse_arguments(arg "TORCH" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_library(nodulus_${name} STATIC ${arg_SOURCES})
  nodulus_join_sources(nodulus_${name})
  target_link_libraries(nodulus_${name} PUBLIC nodulus_flags PRIVATE ${arg_LIBRARIES})
  foreach(depend IN LISTS arg_DEPENDS)
    target_link_libraries(nodulus_${name} PUBLIC nodulus_${depend})
  endforeach()
  if(arg_TORCH)
    nodulus_use_torch(nodulus_${name})
  else()
    target_link_libraries(nodulus_${name} PUBLIC nodulus_json_fmt)
    nodulus_reuse_headers(nodulus_${name} nodulus_plain_pch)
  endif()
endfunction()

function(nodulus_test name)
  cmake_parse_arguments(arg "TORCH" "" "SOURCES;DEPENDS;LIBRARIES;LABELS" ${ARGN})
  add_executable(test_${name} ${arg_SOURCES})
  target_include_directories(test_${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_definitions(test_${name} PRIVATE
    NODULUS_SOURCE_DIR="${CMAKE_SOURCE_DIR}" NODULUS_BINARY_DIR="${CMAKE_BINARY_DIR}")
  target_link_libraries(test_${name} PRIVATE GTest::gmock_main ${arg_LIBRARIES})
  foreach(depend IN LISTS arg_DEPENDS)
    target_link_libraries(test_${name} PRIVATE nodulus_${depend})
  endforeach()
  nodulus_join_sources(test_${name})
  target_compile_options(test_${name} PRIVATE -O0)
  if(arg_TORCH)
    target_link_libraries(test_${name} PRIVATE nodulus_torch)
    nodulus_reuse_headers(test_${name} nodulus_test_torch_pch)
    target_sources(test_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/seed_each_test.cpp)
    add_test(NAME ${name} COMMAND test_${name} --gtest_brief=1)
    set_tests_properties(${name} PROPERTIES TIMEOUT 900 LABELS "${arg_LABELS}")
  else()
    nodulus_reuse_headers(test_${name} nodulus_test_plain_pch)
    gtest_discover_tests(test_${name} TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 120
      PROPERTIES TIMEOUT 600 LABELS "${arg_LABELS}")
  endif()
endfunction()
