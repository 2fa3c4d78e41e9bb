# Run as a script at every build: writes OUTPUT (a header) with the version and, in a checkout, the git revision.
# Written anew only when it changed, so that nothing is compiled for nothing.
cmake_minimum_required(VERSION 3.25)
set(revision "")
find_package(Git QUIET)
if(GIT_FOUND AND EXISTS ${SOURCE}/.git)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(failed)
    set(revision "")
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
  "#pragma once\n\n#define NODULUS_VERSION \"@VERSION@\"\n#define NODULUS_REVISION \"@revision@\"\n" @ONLY)
