# SPDX-License-Identifier: BSD-3-Clause
# CMake toolchain of every cross target. ci/toolchain/__init__.py writes the compiler scripts and passes BNN_TOOLS, their
# folder, BNN_SYSTEM (Linux, or Generic for firmware) and BNN_PROCESSOR.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES BNN_TOOLS BNN_SYSTEM BNN_PROCESSOR)
set(CMAKE_SYSTEM_NAME ${BNN_SYSTEM})
if(BNN_SYSTEM STREQUAL "Generic")
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY) # programs need start-up code
endif()
set(CMAKE_SYSTEM_PROCESSOR ${BNN_PROCESSOR})
set(CMAKE_C_COMPILER ${BNN_TOOLS}/cc)
set(CMAKE_ASM_COMPILER ${BNN_TOOLS}/cc)
set(CMAKE_AR ${BNN_TOOLS}/ar)
set(CMAKE_RANLIB ${BNN_TOOLS}/ranlib)
# Static, so that the emulator needs no target system around the program.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
