# Outside libraries, each behind a target of ours where its own is missing or differs between versions.
find_package(Threads REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(fmt REQUIRED)

add_library(nodulus_json_fmt INTERFACE)
target_link_libraries(nodulus_json_fmt INTERFACE fmt::fmt-header-only nlohmann_json::nlohmann_json)

if(NODULUS_OPENSSL)
  find_package(OpenSSL REQUIRED COMPONENTS Crypto)
endif()

if(NODULUS_IMAGES)
  find_package(PNG REQUIRED)
  find_package(JPEG REQUIRED)
  find_package(LibArchive REQUIRED)
endif()

if(NODULUS_ARCHIVE)
  find_package(CURL 7.85 REQUIRED)
endif()

if(NODULUS_SERVE OR (NODULUS_ARCHIVE AND NODULUS_TESTS))
  # Debian's cpp-httplib is a library, built with TLS; its CMake files ask for more than is there.
  find_path(HTTPLIB_INCLUDE_DIR httplib.h REQUIRED)
  find_library(HTTPLIB_LIBRARY cpp-httplib REQUIRED)
  find_package(OpenSSL REQUIRED)
  add_library(nodulus_httplib INTERFACE)
  target_include_directories(nodulus_httplib SYSTEM INTERFACE ${HTTPLIB_INCLUDE_DIR})
  target_compile_definitions(nodulus_httplib INTERFACE CPPHTTPLIB_OPENSSL_SUPPORT)
  target_link_libraries(nodulus_httplib INTERFACE ${HTTPLIB_LIBRARY} OpenSSL::SSL Threads::Threads)
endif()

if(NODULUS_SERVE)
  find_path(SQLITECPP_INCLUDE_DIR SQLiteCpp/SQLiteCpp.h REQUIRED)
  find_library(SQLITECPP_LIBRARY SQLiteCpp REQUIRED)
  find_package(SQLite3 REQUIRED)
  add_library(nodulus_sqlite INTERFACE)
  target_include_directories(nodulus_sqlite SYSTEM INTERFACE ${SQLITECPP_INCLUDE_DIR})
  target_link_libraries(nodulus_sqlite INTERFACE ${SQLITECPP_LIBRARY} SQLite::SQLite3)
endif()

if(NODULUS_DICOM)
  find_package(pugixml REQUIRED)
  # Debian's GDCMConfig pulls in VTK; the headers and libraries are all that we use.
  find_path(GDCM_INCLUDE_DIR gdcmReader.h PATH_SUFFIXES gdcm-3.0 REQUIRED)
  add_library(nodulus_gdcm INTERFACE)
  target_include_directories(nodulus_gdcm SYSTEM INTERFACE ${GDCM_INCLUDE_DIR})
  foreach(lib gdcmMSFF gdcmDSED gdcmDICT gdcmIOD gdcmCommon)
    find_library(${lib}_LIBRARY ${lib} REQUIRED)
    target_link_libraries(nodulus_gdcm INTERFACE ${${lib}_LIBRARY})
  endforeach()
endif()

if(NODULUS_CUDA)
  include(NodulusCuda)
endif()

if(NODULUS_TORCH)
  find_package(Torch REQUIRED)
  if(NODULUS_CUDA)
    nodulus_check_cuda()
  endif()
  # libtorch's at::parallel_for is a template: without the flag it runs on one thread and says nothing.
  find_package(OpenMP COMPONENTS CXX)
  if(NOT OpenMP_CXX_FOUND)
    message(WARNING "OpenMP: expected it of the compiler, found none; training and generating run on one thread in part")
  endif()
  add_library(nodulus_torch INTERFACE)
  target_include_directories(nodulus_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
  target_link_libraries(nodulus_torch INTERFACE ${TORCH_LIBRARIES} $<TARGET_NAME_IF_EXISTS:OpenMP::OpenMP_CXX>)
  separate_arguments(torch_flags UNIX_COMMAND "${TORCH_CXX_FLAGS}")
  target_compile_options(nodulus_torch INTERFACE ${torch_flags})
  # Compiled once, used by every module that sees torch. Not <torch/torch.h>: its templates are instantiated anew in
  # each file, 12 s a file even from a precompiled header; these take 4.
  file(WRITE ${CMAKE_BINARY_DIR}/torch_pch.cpp "")
  add_library(nodulus_torch_pch STATIC ${CMAKE_BINARY_DIR}/torch_pch.cpp)
  target_link_libraries(nodulus_torch_pch PUBLIC nodulus_flags nodulus_core nodulus_torch)
  target_precompile_headers(nodulus_torch_pch PRIVATE
    <torch/types.h> <torch/autograd.h> <torch/nn/module.h> <torch/nn/pimpl.h> <fmt/format.h> <nlohmann/json.hpp>)
endif()

if(NODULUS_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
